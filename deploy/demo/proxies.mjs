// @ts-check
import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtInProxy } from './programs.mjs'
import { AUDIENCE, RESOURCE, SCOPE, SHORTCUT } from './settings.mjs'

/** @import { Settings } from './settings.mjs' */
/** @import { Program } from './children.mjs' */
/** @typedef {Program & { note: string, folder?: string }} Proxy */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = [join(ROOT, '.servers/bin'), ...(process.env['PATH'] ?? '').split(delimiter)]

/** The oldest version that our configuration is for, and what makes the snippet's configuration the demo's. */
const KINDS = {
  caddy: { oldest: [2, 11, 7], configure: configureCaddy, args: ['run', '--config', 'Caddyfile'] },
  traefik: { oldest: [3, 7, 12], configure: configureTraefik, args: ['--configFile=traefik.yml'] }
}

/**
 * The first proxy that this machine has and that is new enough; else a small one of our own.
 * @param {Settings} settings
 * @returns {Proxy}
 */
export function chooseProxy ({ proxy, ports }) {
  const wanted = proxy === 'auto' ? /** @type {const} */ (['caddy', 'traefik']) : proxy === 'built-in' ? [] : [proxy]
  for (const name of wanted) {
    const binary = findNewEnough(name)
    if (binary !== undefined) return realProxy(name, binary, ports)
  }
  if (proxy === 'caddy' || proxy === 'traefik') {
    throw new Error(`no ${proxy} ${KINDS[proxy].oldest.join('.')} or newer on PATH or in .servers/bin`)
  }
  return { ...builtInProxy(ports), note: 'a small one of the demo itself; it is Caddy or Traefik where one is on PATH' }
}

/** @param {'caddy' | 'traefik'} name @param {string} binary @param {Settings['ports']} ports @returns {Proxy} */
function realProxy (name, binary, ports) {
  const folder = mkdtempSync(join(tmpdir(), 'forward-auth-demo-'))
  const { configure, args } = KINDS[name]
  writeSnippet(name, folder, ports)
  configure(folder, ports)
  // Caddy keeps state under XDG folders; the person's own are left alone
  const env = { XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
  return {
    name,
    command: binary,
    args,
    env,
    cwd: folder,
    folder,
    note: `${binary}, configured by snippet ${name}`,
    ready: () => hasRoutes(ports.entry)
  }
}

/** Traefik listens before it has read its routes, and is all 404 until then. @param {number} port */
async function hasRoutes (port) {
  const answer = await fetch(`http://localhost:${port}/`).catch(() => undefined)
  return answer !== undefined && answer.status !== 404
}

/** @param {'caddy' | 'traefik'} name */
function findNewEnough (name) {
  return FOLDERS.map((folder) => join(folder, name)).find(
    (path) => isExecutable(path) && isNewEnough(path, KINDS[name].oldest)
  )
}

/** @param {string} path */
function isExecutable (path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
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

/** @param {string} folder @param {Settings['ports']} ports */
function configureCaddy (folder, ports) {
  const shortcut = `\t\thandle ${SHORTCUT}* {\n\t\t\treverse_proxy localhost:${ports.authgear}\n\t\t}\n`
  const begin = '\t\t# routes and their policies'
  change(folder, 'Caddyfile', begin, `${shortcut}${begin}`)
}

/** @param {string} folder @param {Settings['ports']} ports */
function configureTraefik (folder, ports) {
  const router = '  routers:\n    shortcut:\n      rule: Host(`localhost`) && ' +
    `PathPrefix(\`${SHORTCUT}\`)\n      entryPoints: [web]\n      service: shortcut\n`
  const service = '  services:\n    shortcut:\n      loadBalancer:\n        servers:\n          - url: ' +
    `http://localhost:${ports.authgear}\n`
  change(folder, 'dynamic.yml', '  routers:\n', router)
  change(folder, 'dynamic.yml', '  services:\n', service)
}

/**
 * What `snippet` writes, for this machine.
 * @param {string} name
 * @param {string} folder
 * @param {Settings['ports']} ports
 */
function writeSnippet (name, folder, ports) {
  execFileSync(process.execPath, [
    join(ROOT, 'dist/main.js'), 'snippet', name, '--out', folder, '--host', 'localhost',
    '--listen', `127.0.0.1:${ports.entry}`, '--forward-auth', `http://127.0.0.1:${ports.service}`,
    '--app', `http://127.0.0.1:${ports.app}`, '--resource', `${RESOURCE}=/mcp`, '--scope', SCOPE,
    '--identity', 'remote', '--assertion', '--login', '--policy', `/=audience=${AUDIENCE}`,
    '--policy', `/admin=role=admin&audience=${AUDIENCE}`
  ], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** @param {string} folder @param {string} name @param {string} from @param {string} to */
function change (folder, name, from, to) {
  const path = join(folder, name)
  writeFileSync(path, replaced(readFileSync(path, 'utf8'), from, to))
}

/** @param {string} text @param {string} from @param {string} to */
function replaced (text, from, to) {
  if (!text.includes(from)) {
    throw new Error(`the snippet changed: ${JSON.stringify(from)} is no longer in it`)
  }
  return text.replace(from, () => to)
}
