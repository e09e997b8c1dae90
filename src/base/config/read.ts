import { hasFile, quotationHint, type ReadFile, type Setting, type Variable } from './kind.ts'
import { readText } from './parsers/files.ts'

const PROTOCOL = '(?:TCP|UDP|SCTP)'

/** The ends of names that Kubernetes and Docker links set for a service or container of any name. */
const FORMS: readonly RegExp[] = [
  /_SERVICE_HOST$/,
  /_SERVICE_PORT(?:_[A-Z0-9_]+)?$/,
  new RegExp(`_PORT_\\d+_${PROTOCOL}(?:_(?:PROTO|ADDR|PORT|START|END|PORT_START|PORT_END))?$`),
  /_ENV_/
]

// with LISTEN_PID… by socket activation, CACHE_DIRECTORY by CacheDirectory=
const SYSTEMD: ReadonlySet<string> = new Set([
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'CACHE_DIRECTORY'
])

/**
 * True if Kubernetes, Docker or systemd set this variable, not a person: `REDIS_SERVICE_HOST`,
 * `AUTHGEAR_RESOLVER_PORT=tcp://…`, `CACHE_NAME`.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables,
 * https://docs.docker.com/engine/network/links/
 */
export function isInjected (name: string, value: string): boolean {
  if (SYSTEMD.has(name) || FORMS.some(form => form.test(name))) return true
  if (name.endsWith('_PORT')) return /^(?:tcp|udp|sctp):\/\//i.test(value)
  // a link's own name, `/web/redis`; of a service called like a prefix whatever it says, unless it is a name of ours
  return /^(?!BRAND_)[A-Z]+_NAME$/.test(name) || (name.endsWith('_NAME') && value.startsWith('/'))
}

/** A variable that was read; `value` is undefined where it is neither set nor has a default. */
export type ReadResult = Readonly<{ kind: 'read', value: unknown, setting: Setting } | { kind: 'error', error: string }>

type Source = Readonly<
  { kind: 'text', text: string, source: Setting['source'] } | { kind: 'nothing' } | { kind: 'error', error: string }
>

/**
 * Empty counts as unset: `NAME=${NAME:-}` of a compose file sets every variable. White space around a value that is no
 * secret is dropped.
 */
export function textOf (env: NodeJS.ProcessEnv, name: string, secret = false): string | undefined {
  const text = secret ? env[name] : env[name]?.trim()
  return text === '' ? undefined : text
}

/** A secret's text from its file, without the newline that editors leave at its end. */
function fromFile (name: string, path: string, readFile: ReadFile): Source {
  const read = readText(path, readFile)
  if ('problem' in read) return { kind: 'error', error: `${name}: ${read.problem}` }
  const text = read.text.replace(/\r?\n$/, '')
  return text === '' ? { kind: 'error', error: `${name}: names an empty file` } : { kind: 'text', text, source: 'file' }
}

function sourceOf (name: string, variable: Variable, env: NodeJS.ProcessEnv, readFile: ReadFile): Source {
  const found = textOf(env, name, variable.secret)
  // a Docker link to `redis-sentinel` sets REDIS_SENTINEL_NAME
  const text = found !== undefined && isInjected(name, found) ? undefined : found
  const path = hasFile(variable) ? textOf(env, `${name}_FILE`) : undefined
  if (text !== undefined && path !== undefined) {
    return { kind: 'error', error: `${name}: is set and ${name}_FILE too: leave one of them out` }
  }
  if (path !== undefined) return fromFile(`${name}_FILE`, path, readFile)
  if (text !== undefined) return { kind: 'text', text, source: 'set' }
  if (variable.neverEmpty === true && (env[name] ?? env[`${name}_FILE`]) !== undefined) {
    return { kind: 'error', error: `${name}: is empty: set it to ${variable.kind.accepts}, or leave it out` }
  }
  if (variable.required === true) {
    return {
      kind: 'error',
      error: `${name}: is required: set it to ${variable.kind.accepts}, such as ${variable.example ?? ''}`
    }
  }
  return variable.fallback === undefined
    ? { kind: 'nothing' }
    : { kind: 'text', text: variable.fallback, source: 'default' }
}

/** One variable from the environment, its `_FILE` twin or its default. */
export function read (name: string, variable: Variable, env: NodeJS.ProcessEnv, readFile: ReadFile): ReadResult {
  const source = sourceOf(name, variable, env, readFile)
  if (source.kind === 'error') return source
  if (source.kind === 'nothing') {
    return { kind: 'read', value: undefined, setting: { name, shown: '', source: 'default' } }
  }
  const result = variable.kind.parse(source.text, readFile)
  if (result.kind === 'parsed') {
    return { kind: 'read', value: result.value, setting: { name, shown: result.shown, source: source.source } }
  }
  const origin = source.source === 'file' ? `${name}_FILE` : name
  return { kind: 'error', error: `${origin}: ${result.problem}${quotationHint(source.text)}` }
}
