import { execFileSync } from 'node:child_process'
import { mustFind } from '../../helpers/servers.ts'
import { type Directive, parseNginx, printNginx } from './nginx-text.ts'

/** As the API has it; what is of no use here is left out. */
export type Ingress = Readonly<{
  metadata: Readonly<{ name: string, annotations: Readonly<Record<string, string>> }>
  spec: Readonly<{ rules: readonly unknown[] }>
}>

/** A rule of an Ingress: one host, one path, one app. */
export const ruleOf = (host: string, path = '/'): unknown => ({
  host, http: { paths: [{ path, pathType: 'Prefix', backend: { service: { name: 'app', port: { number: 8080 } } } }] }
})

/** Of nginx's own blocks and settings, those that decide about a request. */
const KEPT = /^(?:map|geo|upstream upstream_balancer|proxy_cache_path|server|(?:underscores_in|ignore_invalid)_headers)(?: |$)/
const PORT = 8088

/**
 * What ingress-nginx makes of these Ingresses: its own reading of the annotations, its own template; for startNginx.
 * The plain nginx of these tests has no Lua: without it go the choice of a replica, statistics and TLS.
 * @param config the controller's ConfigMap
 */
export function configurationOf (
  ingresses: readonly Ingress[],
  app: number,
  config: Record<string, string> = {}
): string {
  const blocks = httpOf(render(ingresses, config)).filter((block) => block.words !== 'server' || isOfAHost(block))
  const http = blocks.flatMap((directive) => withoutLua(directive, app))
  return printNginx([{ words: 'events', block: [] }, { words: 'http', block: http }])
}

function render (ingresses: readonly Ingress[], config: Record<string, string>): string {
  const program = mustFind('ingress-nginx-config')
  const placed = ingresses.map((ingress) => ({ ...ingress, metadata: { namespace: 'default', ...ingress.metadata } }))
  const input = { template: `${program.replace(/-config$/, '')}.tmpl`, port: PORT, config, ingresses: placed }
  return execFileSync(program, { input: JSON.stringify(input), encoding: 'utf8' })
}

function httpOf (configuration: string): readonly Directive[] {
  const { block } = parseNginx(configuration).find(({ words }) => words === 'http') ?? {}
  if (block === undefined || typeof block === 'string') throw new Error('ingress-nginx wrote no http block')
  return block.filter(({ words }) => KEPT.test(words))
}

/** Not the controller's own servers, for its health and statistics. */
function isOfAHost ({ block }: Directive): boolean {
  return Array.isArray(block) && block.some((inner: Directive) => inner.words.startsWith('server_name'))
}

function withoutLua ({ words, block }: Directive, app: number): readonly Directive[] {
  if (/_by_lua|^(?:http2|more_|access_log|log_subrequest)|^listen .* ssl/.test(words)) return []
  const inner = Array.isArray(block) ? block.flatMap((one: Directive) => withoutLua(one, app)) : undefined
  const own = words
    .replace(`listen ${PORT}`, 'listen 127.0.0.1:LISTEN')
    .replace('server 0.0.0.1', `server 127.0.0.1:${app}`) // its Lua chooses among the app's addresses
    .replace(/^set_escape_uri /, 'set ') // its Lua module's; the paths of these tests hold nothing to escape
    .replace(/^set \$cache_key ''/, 'set $cache_key $tmp_cache_key') // its Lua takes a hash of the same
    .replace(/^proxy_cache_path \S+/, 'proxy_cache_path FOLDER/cache')
  return [inner === undefined ? { words: own } : { words: own, block: inner }]
}
