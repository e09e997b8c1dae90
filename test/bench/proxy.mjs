// The real proxies of the bench, each with the configuration that `snippet` ships.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { BIN, MAIN } from './lib.mjs'

/** How each real proxy is started in the folder of its configuration. */
export const COMMANDS = {
  traefik: ['traefik', ['--configFile=traefik.yml']],
  caddy: ['caddy', ['run', '--config', 'Caddyfile']],
  nginx: ['nginx', ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;']],
  envoy: ['envoy', ['-c', 'envoy.yaml', '--disable-hot-restart', '--concurrency', '1', '--log-level', 'error']],
  haproxy: ['haproxy', ['-f', 'haproxy.cfg', '-db']]
}
const VERSION_OF = {
  traefik: ['traefik', 'version'],
  caddy: ['caddy', 'version'],
  nginx: ['nginx', '-v'],
  envoy: ['envoy', '--version'],
  haproxy: ['haproxy', '-v']
}
/** The check, and what hides its cookie from the app. */
const ENVOY_FILTERS = new Set(['envoy.filters.http.ext_authz', 'hide_session'])
/** The shipped configuration without the check. */
const UNCHECKED = {
  traefik: (dir) => edit(join(dir, 'dynamic.yml'), (text) => {
    const document = parse(text)
    for (const router of Object.values(document.http.routers)) delete router.middlewares
    delete document.http.middlewares
    return stringify(document)
  }),
  caddy: (dir) => edit(join(dir, 'Caddyfile'), (text) => text.replace(/^\t\timport authgear_policy ""$/m, '')),
  nginx: (dir) =>
    edit(join(dir, 'nginx.conf'), (text) =>
      text.replace(/^\s+(auth_request |if \(\$authgear_login\)).*$/gm, '')
        .replace('include authgear_app.inc', 'include authgear_none.inc')
    ),
  envoy: (dir) =>
    edit(join(dir, 'envoy.yaml'), (text) => JSON.stringify(parse(text), (key, value) => {
      if (key === 'typed_per_filter_config') return undefined
      return key === 'http_filters' ? value.filter(({ name }) => !ENVOY_FILTERS.has(name)) : value
    }))
}

/**
 * Writes what `snippet` ships into a folder.
 * @param options `isChecked` false: the same without the check; `grpc`: the port of LISTEN_GRPC; `ca`: for https
 * @returns the folder
 */
export function configure (dir, { proxy, snippet = proxy, adapter, port, app, grpc, ca, isChecked = true }) {
  execFileSync(process.execPath, [
    MAIN, 'snippet', snippet, '--out', dir, '--listen', `127.0.0.1:${port}`, '--app', `http://127.0.0.1:${app}`,
    '--forward-auth', adapter, ...grpc === undefined ? [] : ['--grpc', `127.0.0.1:${grpc}`]
  ])
  if (adapter.startsWith('https:')) copyFileSync(ca, join(dir, 'ca.crt'))
  if (!isChecked) UNCHECKED[proxy](dir)
  return dir
}

/** Throws where the change finds nothing to change. */
function edit (file, change) {
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`${file} has nothing of that kind to change`)
  writeFileSync(file, after)
}

/** True for the rows of the proxies in BENCH_PROXIES, or for all. */
export const isWanted = ({ proxy }) => (process.env.BENCH_PROXIES ?? proxy).split(',').includes(proxy)

/** `traefik 3.7.13, …`, each once; nginx says it on stderr */
export function versionsOf (proxies) {
  return [...new Set(proxies)].map((name) => {
    const [command, argument] = VERSION_OF[name]
    const { stdout, stderr } = spawnSync(command, [argument], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${BIN}:${process.env.PATH}` }
    })
    return `${name} ${/\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? '?'}`
  }).join(', ')
}
