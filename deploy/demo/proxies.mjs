// @ts-check
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pathsOf } from './binaries.mjs'
import { builtInProxy } from './programs.mjs'
import { AUDIENCE, CONFIRM, RESOURCE, SCOPE, WIKI } from './settings.mjs'

/** @import { Settings } from './settings.mjs' */
/** @import { Program } from './children.mjs' */
/** @typedef {Program & { note: string, folder?: string }} Proxy */
/**
 * @typedef {{ host: string, port: number, app: number, policy: string, hasPages: boolean }} Site what a proxy is in
 * front of: its port and its app's, what a request must meet, and true for the app with /admin, /confirm and /mcp
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The oldest version that our configuration is for. */
const KINDS = {
  caddy: { oldest: [2, 11, 7], args: ['run', '--config', 'Caddyfile'] },
  traefik: { oldest: [3, 7, 12], args: ['--configFile=traefik.yml'] }
}

/** @param {Settings} settings @returns {Site[]} */
const sitesOf = ({ ports, project }) => [
  { host: 'localhost', port: ports.entry, app: ports.app, policy: `audience=${AUDIENCE}`, hasPages: true },
  ...project === undefined ? [wikiSite(ports)] : []
]

/** @param {Settings['ports']} ports @returns {Site} */
const wikiSite = ({ wiki, wikiApp }) => ({
  host: WIKI.host, port: wiki, app: wikiApp, policy: `role=${WIKI.role}&audience=${WIKI.audience}`, hasPages: false
})

/**
 * The first proxy that this machine has and that is new enough; else a small one of our own. One process for each app.
 * @param {Settings} settings
 * @returns {Proxy[]}
 */
export function chooseProxies (settings) {
  const sites = sitesOf(settings)
  const { proxy, ports } = settings
  const wanted = proxy === 'auto' ? /** @type {const} */ (['caddy', 'traefik']) : proxy === 'built-in' ? [] : [proxy]
  for (const name of wanted) {
    const binary = findNewEnough(name)
    if (binary !== undefined) return sites.map((site) => realProxy(name, binary, settings, site))
  }
  if (proxy === 'caddy' || proxy === 'traefik') {
    throw new Error(`no ${proxy} ${KINDS[proxy].oldest.join('.')} or newer on PATH or in .servers/bin`)
  }
  const note = 'a small one of the demo itself; it is Caddy or Traefik where one is on PATH'
  return sites.map((site) => ({ ...builtInProxy(ports, site), note }))
}

/**
 * @param {'caddy' | 'traefik'} name
 * @param {string} binary
 * @param {Settings} settings
 * @param {Site} site
 * @returns {Proxy}
 */
function realProxy (name, binary, settings, site) {
  const folder = mkdtempSync(join(tmpdir(), 'forward-auth-demo-'))
  const { args } = KINDS[name]
  writeSnippet(name, folder, settings, site)
  // Caddy keeps state under XDG folders; the person's own stay unchanged
  const env = { XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
  return {
    name,
    command: binary,
    args,
    env,
    cwd: folder,
    folder,
    note: `${binary}, configured by snippet ${name}`,
    ready: () => hasRoutes(site)
  }
}

/**
 * Traefik listens before it has read its routes, and is all 404 until then. Browsers know wiki.localhost by themselves,
 * Node does not.
 * @param {Site} site
 * @returns {Promise<boolean>}
 */
function hasRoutes ({ host, port }) {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, headers: { host: `${host}:${port}` } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode !== 404)
    }).once('error', () => resolve(false))
  })
}

/** @param {'caddy' | 'traefik'} name */
function findNewEnough (name) {
  return pathsOf(name).find((path) => isNewEnough(path, KINDS[name].oldest))
}

/** Both print their version for the argument `version`. @param {string} path @param {readonly number[]} oldest */
function isNewEnough (path, oldest) {
  try {
    const printed = execFileSync(path, ['version'], {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    const version = /(\d+)\.(\d+)\.(\d+)/.exec(printed)?.slice(1).map(Number) ?? []
    const differs = oldest.findIndex((number, i) => number !== version[i])
    return differs < 0 || (version[differs] ?? -1) > (oldest[differs] ?? 0)
  } catch {
    return false
  }
}

/**
 * What `snippet` writes, for this machine.
 * @param {string} name
 * @param {string} folder
 * @param {Settings} settings
 * @param {Site} site
 */
function writeSnippet (name, folder, { ports, project }, { host, port, app, policy, hasPages }) {
  const resource = project === undefined && hasPages ? ['--resource', `${RESOURCE}=/mcp`, '--scope', SCOPE] : []
  const pages = [`/admin=role=admin&${policy}`, `${CONFIRM.path}=max_age=${CONFIRM.maxAge}&${policy}`]
  const policies = [`/=${policy}`, ...hasPages ? pages : []]
  execFileSync(process.execPath, [
    join(ROOT, 'dist/main.js'), 'snippet', name, '--out', folder, '--host', host,
    '--listen', `127.0.0.1:${port}`, '--forward-auth', `http://127.0.0.1:${ports.service}`,
    '--app', `http://127.0.0.1:${app}`, ...resource,
    '--identity', 'remote', '--assertion', '--events', '--login', ...policies.flatMap((one) => ['--policy', one])
  ], { stdio: ['ignore', 'ignore', 'inherit'] })
}
