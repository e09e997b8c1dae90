import { createPrivateKey } from 'node:crypto'
import type { ReadFile } from './kind.ts'
import { certificates } from './kinds/certificates.ts'
import type { ListenAddress } from './types.ts'
import type { Values, VariableName } from './variables.ts'

/** What was read: values of the variables that could be understood, and the names that were set, understood or not. */
export type Readings = Readonly<{ values: Partial<Values>, isSet: (name: VariableName) => boolean, readFile: ReadFile }>

/** A rule over several variables gives errors, in the words of whoever has to mend them. */
type Rule = (readings: Readings) => readonly (string | false)[]

const tlsIsWhole: Rule = ({ isSet }) => [
  isSet('LISTEN_TLS_CERT_FILE') && !isSet('LISTEN_TLS_KEY_FILE') && 'LISTEN_TLS_KEY_FILE: is required with LISTEN_TLS_CERT_FILE',
  isSet('LISTEN_TLS_KEY_FILE') && !isSet('LISTEN_TLS_CERT_FILE') && 'LISTEN_TLS_CERT_FILE: is required with LISTEN_TLS_KEY_FILE',
  isSet('LISTEN_TLS_CLIENT_CA_FILE') && !isSet('LISTEN_TLS_CERT_FILE') && !isSet('LISTEN_TLS_KEY_FILE') &&
    'LISTEN_TLS_CLIENT_CA_FILE: works only with LISTEN_TLS_CERT_FILE and LISTEN_TLS_KEY_FILE: set both'
]

const tlsKeyFits: Rule = ({ values, readFile }) => {
  const { LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile } = values
  if (certFile === undefined || keyFile === undefined) return []
  const leaf = certificates(readFile(certFile))?.[0]
  return [leaf?.checkPrivateKey(createPrivateKey(readFile(keyFile))) === false &&
    'LISTEN_TLS_KEY_FILE: does not belong to the first certificate of LISTEN_TLS_CERT_FILE (the leaf comes first)']
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

function clash (a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  return a.host.toLowerCase() === b.host.toLowerCase() || WILDCARDS.has(a.host) || WILDCARDS.has(b.host)
}

const LISTENERS = [['MANAGEMENT_LISTEN', 'LISTEN'], ['IDENTIFY_LISTEN', 'LISTEN'], ['IDENTIFY_LISTEN', 'MANAGEMENT_LISTEN']] as const

const listenersDiffer: Rule = ({ values }) => LISTENERS.map(([name, other]) => {
  const [a, b] = [values[name], values[other]]
  return a !== undefined && b !== undefined && clash(a, b) && `${name}: is the same address as ${other}: choose another port, or off`
})

const needsRedis = ({ isSet, values }: Readings, name: VariableName): string | false =>
  isSet(name) && values[name] !== false && !isSet('REDIS_URL') && `${name}: works only with REDIS_URL: set that too, or leave this out`

const redisIsWhole: Rule = readings => [
  needsRedis(readings, 'REDIS_USERNAME'),
  needsRedis(readings, 'REDIS_PASSWORD'),
  needsRedis(readings, 'REDIS_TLS'),
  needsRedis(readings, 'REDIS_CA_FILE'),
  readings.isSet('REDIS_URL') && !readings.isSet('CACHE_SECRET') &&
    'CACHE_SECRET: is required with REDIS_URL: make one with `openssl rand -base64 32`, the same on all replicas (or none, to leave entries in Redis unprotected)'
]

const redisTls: Rule = ({ isSet, values: { REDIS_URL: url, REDIS_TLS: tls } }) => url === undefined
  ? []
  : [
      url.tls && tls === false && 'REDIS_TLS: is false, but REDIS_URL begins with rediss://: leave one of them out',
      isSet('REDIS_CA_FILE') && !url.tls && tls !== true && 'REDIS_CA_FILE: works only with TLS: write rediss:// in REDIS_URL, or set REDIS_TLS=true'
    ]

const redisCredentials: Rule = ({ isSet, values: { REDIS_URL: url } }) => {
  if (url === undefined) return []
  const username = isSet('REDIS_USERNAME') || url.username !== undefined
  const password = isSet('REDIS_PASSWORD') || url.password !== undefined
  return [
    isSet('REDIS_USERNAME') && url.username !== undefined && 'REDIS_USERNAME: is set, but REDIS_URL names a user too: leave one of them out',
    isSet('REDIS_PASSWORD') && url.password !== undefined && 'REDIS_PASSWORD: is set, but REDIS_URL carries a password too: leave one of them out',
    username && !password && 'REDIS_PASSWORD: is required with a Redis user (REDIS_USERNAME, or the one in REDIS_URL)'
  ]
}

const RULES: readonly Rule[] = [tlsIsWhole, tlsKeyFits, listenersDiffer, redisIsWhole, redisTls, redisCredentials]

/** Every broken rule that spans several variables. */
export function brokenRules (readings: Readings): readonly string[] {
  return RULES.flatMap(rule => rule(readings)).filter(error => error !== false)
}
