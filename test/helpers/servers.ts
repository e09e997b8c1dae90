import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export type ServerName =
  | 'traefik'
  | 'caddy'
  | 'nginx'
  | 'envoy'
  | 'haproxy'
  | 'redis-server'
  | 'redis-6.2'
  | 'valkey-server'
  | 'otelcol'
  | 'hypercorn'
  | 'prometheus'
  | 'promtool'
  | 'python-apps'
  | 'python-mcp'
  | 'mcp-inspector'
  | 'configurable-http-proxy'
  | 'go'
  | 'docker-compose'
  | 'pebble'
  | 'pebble-challtestsrv'
  | 'oauth2-proxy'
  | 'ingress-nginx-config'
  | 'jq'
  | 'home-assistant'
  | 'code-server'

const FETCHED = join(import.meta.dirname, '../../.servers/bin')
const SYSTEM = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')

/**
 * The path of a server's binary. Proxies: ours first, their version matters. Redis: the system's first, only it speaks
 * TLS.
 */
function findServer (name: ServerName): string | undefined {
  const folders = name === 'redis-server' ? [...SYSTEM, FETCHED] : [FETCHED, ...SYSTEM]
  return folders.map(folder => join(folder, name)).find(isExecutable)
}

/**
 * For tap's `skip` option: a missing server is a skip on a person's machine; in CI the test runs, and fails in
 * `mustFind`.
 */
export function skipOrFail (...names: readonly ServerName[]): string | false {
  const missing = names.filter(name => findServer(name) === undefined)
  if (missing.length === 0 || process.env['CI']) return false
  return `no ${missing.join(', ')} here: bash test/servers/fetch.sh says why`
}

export function mustFind (name: ServerName): string {
  const path = findServer(name)
  if (path === undefined) throw new Error(`no ${name} here: bash test/servers/fetch.sh says why`)
  return path
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
