import { createPrivateKey } from 'node:crypto'
import { SOURCE_OF } from '../core/requirement.ts'
import type { AnyPart, BaseFacts, Configured } from '../parts/part.ts'
import { isRotated, type ListenAddress, meantOnlyWith, type ReadFile } from './kind.ts'
import type { MachineMemory } from './machine-memory.ts'
import { certificates } from './parsers/files.ts'
import type { Row, Values, VariableName } from './variables.ts'

/** The values that were read, and what the rules need to know of the machine. */
export type Readings = Machine & Readonly<{
  /** The values of the variables that could be understood. */
  values: Partial<Values>
  /** True if a variable was set, understood or not. */
  isSet: (name: string) => boolean
  /** Of the base and of all parts. */
  rows: readonly Row[]
}>

/** The same for rules of the base, which name its own variables alone. */
export type OwnReadings = Omit<Readings, 'isSet'> & Readonly<{ isSet: (name: VariableName) => boolean }>

/** The outside that is read beside the environment. */
export type Machine = Readonly<{
  readFile: ReadFile
  ownAddresses: () => readonly string[]
  memory: () => MachineMemory
  /** Node's own options, such as --env-file. */
  execArgv: readonly string[]
}>

/** A rule over several variables: its errors are written for the operator. */
type Rule = (readings: OwnReadings) => readonly (string | false)[]

/** The variables that say where Redis is: one of them makes replicas share it. */
const REDIS_FORMS = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'] as const satisfies readonly VariableName[]

/** In the words of a message. */
export const ANY_REDIS = 'REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER'

export const hasRedis = ({ isSet }: Pick<OwnReadings, 'isSet'>): boolean => REDIS_FORMS.some(isSet)

const auditIsWhole: Rule = (readings) => {
  const { isSet, values: { AUTHGEAR_ADMIN_API_KEY: key } } = readings
  if (!isSet('AUTHGEAR_ADMIN_API_URL')) {
    return meantOnlyWith('AUTHGEAR_ADMIN_API_URL', ['AUTHGEAR_ADMIN_API_KEY', 'AUTHGEAR_ADMIN_API_KEY_ID'], readings)
  }
  return [
    !isSet('AUTHGEAR_ADMIN_API_KEY') &&
      'AUTHGEAR_ADMIN_API_KEY: is required with AUTHGEAR_ADMIN_API_URL: ' +
        "the private key of the project's secret admin-api.auth",
    !isSet('AUTHGEAR_APP_ID') && 'AUTHGEAR_APP_ID: is required with AUTHGEAR_ADMIN_API_URL: the id of authgear.yaml',
    key !== undefined &&
      key.keyId === undefined &&
      !isSet('AUTHGEAR_ADMIN_API_KEY_ID') &&
      'AUTHGEAR_ADMIN_API_KEY_ID: is required, since AUTHGEAR_ADMIN_API_KEY does not say it: the kid ' +
        'of that key in admin-api.auth'
  ]
}

const keyIdsAgree: Rule = ({ values: { AUTHGEAR_ADMIN_API_KEY: key, AUTHGEAR_ADMIN_API_KEY_ID: id } }) => [
  key?.keyId !== undefined &&
    id !== undefined &&
    key.keyId !== id &&
    'AUTHGEAR_ADMIN_API_KEY_ID: is not the kid in AUTHGEAR_ADMIN_API_KEY: leave it out'
]

const locationHasASegment: Rule = ({ values: { EXT_AUTHZ_LOCATION: location, EXT_AUTHZ_POLICY: policy } }) => [
  location === 'request' &&
    policy === 'optional' &&
    'EXT_AUTHZ_LOCATION: is request, which needs EXT_AUTHZ_POLICY=required: without a policy segment it is unknown ' +
      "where the client's path begins"
]

const BESIDE_REDIS = ['REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS', 'REDIS_CA_FILE'] as const

const redisIsWhole: Rule = ({ isSet, values }) => {
  const form = REDIS_FORMS.find(isSet)
  if (form === undefined) {
    return BESIDE_REDIS.map((name) =>
      isSet(name) &&
        values[name] !== false &&
        `${name}: works only with ${ANY_REDIS}: set one of them, or leave this out`)
  }
  return [
    !isSet('CACHE_SECRET') &&
      `CACHE_SECRET: is required with ${form}: make one with \`openssl rand -base64 32\`, the same on all replicas ` +
        '(or none, to leave entries in Redis unprotected)'
  ]
}

const isOneForm: Rule = ({ isSet }) => {
  const [first, ...others] = REDIS_FORMS.filter(isSet)
  return others.map(
    (name) => `${name}: is set, but ${first ?? ''} too: a service has one Redis, by one of ${ANY_REDIS}`
  )
}

const sentinelHasAName: Rule = (readings) => {
  const { isSet } = readings
  if (!isSet('REDIS_SENTINELS')) {
    return meantOnlyWith('REDIS_SENTINELS', ['REDIS_SENTINEL_NAME', 'REDIS_SENTINEL_PASSWORD'], readings)
  }
  return [
    !isSet('REDIS_SENTINEL_NAME') &&
      'REDIS_SENTINEL_NAME: is required with REDIS_SENTINELS: what the Sentinels call the master, such as mymaster'
  ]
}

const redisTlsAgrees: Rule = ({ isSet, values: { REDIS_URL: url, REDIS_TLS: tls } }) => {
  if (!hasRedis({ isSet })) return []
  const isUnread = isSet('REDIS_URL') && url === undefined
  return [
    url?.tls === true &&
      tls === false &&
      'REDIS_TLS: is false, but REDIS_URL begins with rediss://: leave one of them out',
    isSet('REDIS_CA_FILE') &&
      !isUnread &&
      url?.tls !== true &&
      tls !== true &&
      `REDIS_CA_FILE: works only with TLS: ${isSet('REDIS_URL') ? 'write rediss:// in REDIS_URL, or ' : ''}` +
        'set REDIS_TLS=true'
  ]
}

const redisCredentialsAgree: Rule = ({ isSet, values: { REDIS_URL: url } }) => {
  if (!hasRedis({ isSet }) || (isSet('REDIS_URL') && url === undefined)) return []
  const username = isSet('REDIS_USERNAME') || url?.username !== undefined
  const password = isSet('REDIS_PASSWORD') || url?.password !== undefined
  return [
    isSet('REDIS_USERNAME') &&
      url?.username !== undefined &&
      'REDIS_USERNAME: is set, but REDIS_URL names a user too: leave one of them out',
    isSet('REDIS_PASSWORD') &&
      url?.password !== undefined &&
      'REDIS_PASSWORD: is set, but REDIS_URL carries a password too: leave one of them out',
    username &&
      !password &&
      'REDIS_PASSWORD: is required with a Redis user (REDIS_USERNAME' +
        `${isSet('REDIS_URL') ? ', or the one in REDIS_URL' : ''})`
  ]
}

const tlsIsWhole: Rule = ({ isSet }) => [
  isSet('LISTEN_TLS_CERT_FILE') &&
    !isSet('LISTEN_TLS_KEY_FILE') &&
    'LISTEN_TLS_KEY_FILE: is required with LISTEN_TLS_CERT_FILE',
  isSet('LISTEN_TLS_KEY_FILE') &&
    !isSet('LISTEN_TLS_CERT_FILE') &&
    'LISTEN_TLS_CERT_FILE: is required with LISTEN_TLS_KEY_FILE',
  isSet('LISTEN_TLS_CLIENT_CA_FILE') &&
    !isSet('LISTEN_TLS_CERT_FILE') &&
    !isSet('LISTEN_TLS_KEY_FILE') &&
    'LISTEN_TLS_CLIENT_CA_FILE: works only with LISTEN_TLS_CERT_FILE and LISTEN_TLS_KEY_FILE: set both'
]

const tlsKeyFits: Rule = ({ values, readFile }) => {
  const { LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile } = values
  if (certFile === undefined || keyFile === undefined) return []
  const leaf = certificates(readFile(certFile))?.[0]
  return [leaf?.checkPrivateKey(createPrivateKey(readFile(keyFile))) === false &&
    'LISTEN_TLS_KEY_FILE: does not belong to the first certificate of LISTEN_TLS_CERT_FILE (the leaf comes first)']
}

export const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

function clash (a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  return a.host.toLowerCase() === b.host.toLowerCase() || WILDCARDS.has(a.host) || WILDCARDS.has(b.host)
}

/** Each is compared with those before it. */
const listenersDiffer: Rule = ({ values, rows }) => {
  const all: Readonly<Record<string, unknown>> = values // of the parts, too
  const names = rows.flatMap(({ name, variable }) => variable.listens === true ? [name] : [])
  return names.flatMap((name, index) => names.slice(0, index).map((other) => {
    const [a, b] = [addressIn(all[name]), addressIn(all[other])]
    return a !== undefined && b !== undefined && clash(a, b) &&
      `${name}: is the same address as ${other}: choose another port, or off`
  }))
}

/** A row that `listens` holds an address, which the type of a list of rows does not say. */
const addressIn = (value: unknown): ListenAddress | undefined => value as ListenAddress | undefined

/** Each with the secret that is in use beside it. */
const ROTATED = [
  ['AUTHGEAR_WEBHOOK_SECRET_PREVIOUS', 'AUTHGEAR_WEBHOOK_SECRET'],
  ['CACHE_SECRET_PREVIOUS', 'CACHE_SECRET']
] as const

const rotation: Rule = (readings) => ROTATED.flatMap(([previous, current]) => isRotated(previous, current, readings))

const RULES: readonly Rule[] = [
  rotation,
  tlsIsWhole,
  tlsKeyFits,
  listenersDiffer,
  auditIsWhole,
  keyIdsAgree,
  locationHasASegment,
  redisIsWhole,
  isOneForm,
  sentinelHasAName,
  redisTlsAgrees,
  redisCredentialsAgree
]

/** The readings for the rules of parts. */
export function readingsOfParts (readings: Readings): Readings & Readonly<{ base: BaseFacts }> {
  const { isSet, values, readFile } = readings
  const { AUTHGEAR_ENDPOINT: authgear, CACHE_SECRET: secret, IDENTITY_USER: identityUser } = values
  const all: Readonly<Record<string, unknown>> = values // of a part that may be gone
  return {
    ...readings,
    base: {
      hasRedis: hasRedis(readings),
      isSealed: secret !== 'none',
      hasAdminApi: isSet('AUTHGEAR_ADMIN_API_URL'),
      hasOwnSessions: all['LOGIN_SESSION'] === 'own' && all['LOGIN_CLIENT_ID'] !== undefined,
      authgear,
      identityUser,
      readFile
    }
  }
}

/** Rules that ask for facts about people which no part knows: nobody could meet them. */
export function lackingFacts (
  parts: ReadonlyArray<Pick<Configured, 'claims'>>
): readonly string[] {
  const known = new Set(parts.flatMap(({ claims: { knowsFacts = [] } }) => knowsFacts))
  return parts.flatMap(({ claims: { asksFacts } }) => asksFacts === undefined
    ? []
    : asksFacts.facts.filter((fact) => !known.has(fact))
      .map((fact) => `${asksFacts.variable}: needs data that is not configured: set ${SOURCE_OF[fact]} (docs/policies.md)`))
}

/** Every broken rule that spans several variables. */
export function brokenRules (readings: Readings, parts: readonly AnyPart[]): readonly string[] {
  const ofParts = readingsOfParts(readings)
  return [...RULES.flatMap((rule) => rule(readings)), ...parts.flatMap((part) => part.broken(ofParts))]
    .filter((error) => error !== false)
}
