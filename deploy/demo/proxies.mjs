// @ts-check
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pathsOf } from './binaries.mjs'
import { builtInProxy } from './programs.mjs'
import { AUDIENCE, CONFIRM, RESOURCE, SCOPE } from './settings.mjs'

/** @import { Settings } from './settings.mjs' */
/** @import { Program } from './children.mjs' */
/** @typedef {Program & { note: string, folder?: string }} Proxy */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The oldest version that our configuration is for. */
const KINDS = {
  caddy: { oldest: [2, 11, 7], args: ['run', '--config', 'Caddyfile'] },
  traefik: { oldest: [3, 7, 12], args: ['--configFile=traefik.yml'] }
}

/**
 * The first proxy that this machine has and that is new enough; else a small one of our own.
 * @param {Settings} settings
 * @returns {Proxy}
 */
export function chooseProxy (settings) {
  const { proxy, ports } = settings
  const wanted = proxy === 'auto' ? /** @type {const} */ (['caddy', 'traefik']) : proxy === 'built-in' ? [] : [proxy]
  for (const name of wanted) {
    const binary = findNewEnough(name)
    if (binary !== undefined) return realProxy(name, binary, settings)
  }
  if (proxy === 'caddy' || proxy === 'traefik') {
    throw new Error(`no ${proxy} ${KINDS[proxy].oldest.join('.')} or newer on PATH or in .servers/bin`)
  }
  return { ...builtInProxy(ports), note: 'a small one of the demo itself; it is Caddy or Traefik where one is on PATH' }
}

/** @param {'caddy' | 'traefik'} name @param {string} binary @param {Settings} settings @returns {Proxy} */
function realProxy (name, binary, settings) {
  const folder = mkdtempSync(join(tmpdir(), 'forward-auth-demo-'))
  const { args } = KINDS[name]
  writeSnippet(name, folder, settings)
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
    ready: () => hasRoutes(settings.ports.entry)
  }
}

/** Traefik listens before it has read its routes, and is all 404 until then. @param {number} port */
async function hasRoutes (port) {
  const answer = await fetch(`http://localhost:${port}/`).catch(() => undefined)
  return answer !== undefined && answer.status !== 404
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
 */
function writeSnippet (name, folder, { ports, project }) {
  const resource = project === undefined ? ['--resource', `${RESOURCE}=/mcp`, '--scope', SCOPE] : []
  execFileSync(process.execPath, [
    join(ROOT, 'dist/main.js'), 'snippet', name, '--out', folder, '--host', 'localhost',
    '--listen', `127.0.0.1:${ports.entry}`, '--forward-auth', `http://127.0.0.1:${ports.service}`,
    '--app', `http://127.0.0.1:${ports.app}`, ...resource,
    '--identity', 'remote', '--assertion', '--events', '--login', '--policy', `/=audience=${AUDIENCE}`,
    '--policy', `/admin=role=admin&audience=${AUDIENCE}`,
    '--policy', `${CONFIRM.path}=max_age=${CONFIRM.maxAge}&audience=${AUDIENCE}`
  ], { stdio: ['ignore', 'ignore', 'inherit'] })
}
