import { isIP } from 'node:net'
import { budgetOfHeap, heapFlags, MIN_MEMORY_BYTES } from '../core/memory-budget.ts'
import type { AnyPart } from '../parts/part.ts'
import { createTrustProxy } from '../http/trusted-proxies.ts'
import { showBytes } from './parsers/values.ts'
import { ANY_REDIS, hasRedis, type OwnReadings, type Readings, readingsOfParts, WILDCARDS } from './rules.ts'
import type { VariableName } from './variables.ts'

/** Settings that are allowed but may be a mistake: each warning says what may happen, and what to set. */
type Warning = (readings: OwnReadings) => readonly (string | false)[]

const IDLE_WITHOUT_REDIS: readonly VariableName[] = [
  'CACHE_SECRET',
  'CACHE_SECRET_PREVIOUS',
  'REDIS_KEY_PREFIX',
  'REDIS_TIMEOUT'
]
/** A refusal of Authgear's may be a hiccup (docs/inside/authgear.md, "The resolver's answers"). */
const LONG_REFUSAL_MS = 30_000
/** Prefix lengths: nobody's own proxies need a network this wide. */
const WIDE: Readonly<Record<'ipv4' | 'ipv6', number>> = { ipv4: 8, ipv6: 16 }
/** Share of a container that V8's heap may take; the rest is what is beside it. */
const MAX_HEAP_SHARE = 0.75
const LOCAL: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1'])
/** Names that only machines of one network, cluster or computer know. */
const INNER_NAME = /^(?:[^.]+|.*\.(?:localhost|svc|internal|cluster\.local))$/
/** As `new URL` writes them. */
const LOOPBACK_ADDRESS = /^(?:127\.[\d.]+|\[::1\])$/

const plainEndpoint: Warning = ({ values: { AUTHGEAR_ENDPOINT: endpoint } }) => {
  if (endpoint?.scheme !== 'http') return []
  const { hostname } = new URL(endpoint.origin)
  const isInner = LOOPBACK_ADDRESS.test(hostname) || (!hostname.startsWith('[') && INNER_NAME.test(hostname))
  return [
    !isInner &&
      `AUTHGEAR_ENDPOINT: ${endpoint.origin} is not https: where the project is, no JWT and no resource token is ` +
        'accepted, and credentials cross the network in the clear. Write the project\'s public origin with https://; ' +
        'an address inside goes into AUTHGEAR_RESOLVER_URL'
  ]
}

/** Those of these that are set although they do nothing without another. */
const idleWithout = (what: string, names: readonly VariableName[], { isSet }: OwnReadings): readonly string[] =>
  names.filter(isSet).map((name) => `${name}: has no effect without ${what}`)

const alone: Warning = (readings) => {
  if (hasRedis(readings)) return []
  const idle = IDLE_WITHOUT_REDIS.filter((name) => readings.values[name] !== 'none')
  return [
    readings.isSet('AUTHGEAR_WEBHOOK_SECRET') &&
      'AUTHGEAR_WEBHOOK_SECRET: without Redis a webhook reaches one replica and no other: run exactly one',
    ...idleWithout(ANY_REDIS, idle, readings)
  ]
}

const unprotected: Warning = (readings) => [
  hasRedis(readings) &&
    readings.values.CACHE_SECRET === 'none' &&
    'CACHE_SECRET: is none: anyone who can write to Redis can sign in as anybody, and anyone who can read ' +
      'it can test guesses of credentials'
]

const longRefusals: Warning = ({ values: { CACHE_NEGATIVE_TTL: ttl = 0 } }) => [
  ttl > LONG_REFUSAL_MS &&
    'CACHE_NEGATIVE_TTL: is over 30s: a hiccup of Authgear keeps signed-in users out for ' +
      'that long: keep it at seconds'
]

/** A trusted peer may name any address as the client's; no address admits a client. */
const wideTrust: Warning = ({ values: { TRUSTED_PROXIES: trusted = [] } }) =>
  trusted
    .filter(isWide)
    .map(
      (network) =>
        `TRUSTED_PROXIES: trusts ${network}: anyone who connects from there can name any address as the client's, in ` +
          'the log and to Authgear: list your proxies'
    )

function isWide (network: string): boolean {
  const [address = '', bits] = network.split('/')
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  return bits !== undefined && Number(bits) < WIDE[family]
}

/** A wildcard is as public as this machine is: in a container it mostly is not. */
const openManagement: Warning = ({ isSet, ownAddresses, values: { MANAGEMENT_LISTEN: listen } }) => {
  if (listen === undefined || listen.kind === 'unix' || isSet('MANAGEMENT_TOKEN') || LOCAL.has(listen.host)) return []
  const meant = WILDCARDS.has(listen.host)
    ? ownAddresses().find(isPublic)
    : isPublic(listen.host)
      ? listen.host
      : undefined
  const which = WILDCARDS.has(listen.host) ? `${listen.host} includes ${meant}, which` : meant
  return [
    meant !== undefined &&
      `MANAGEMENT_LISTEN: ${which} is a public address, and there is no MANAGEMENT_TOKEN: metrics and probes are for ` +
        'your own network: listen on a private address'
  ]
}

const isPrivate = createTrustProxy(['loopback', 'linklocal', 'uniquelocal'])

function isPublic (address: string): boolean {
  return isIP(address) !== 0 && !isPrivate(address, 0)
}

const staleWithoutRevocation: Warning = ({ values: { CACHE_STALE_IF_ERROR: stale = 0, CACHE_TTL: ttl = 0 } }) => [
  stale > 0 &&
    ttl === 0 &&
    'CACHE_STALE_IF_ERROR: has no effect with CACHE_TTL=0: nothing is remembered that could be used'
]

/** V8 ends the process when its heap is full, and the kernel when the container is. */
const memoryThatDoesNotFit: Warning = ({ memory, values: { CACHE_MAX_MEMORY: budget = 0 } }) => {
  const { limitBytes, isContainer, heapBytes } = memory()
  const most = Math.floor(budgetOfHeap(heapBytes))
  const inMib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
  return [
    budget > most &&
      `CACHE_MAX_MEMORY: ${showBytes(budget)} does not fit into V8's heap of ${inMib(heapBytes)}: at most ` +
        `${inMib(most)}, or more memory: a larger container, or NODE_OPTIONS=--max-old-space-size`,
    isContainer &&
      heapBytes > limitBytes * MAX_HEAP_SHARE &&
      `NODE_OPTIONS: this container has ${inMib(limitBytes)} and V8 takes up to ${inMib(heapBytes)}: set ` +
        `"${heapFlags(limitBytes).join(' ')}"`,
    isContainer &&
      limitBytes < MIN_MEMORY_BYTES &&
      `CACHE_MAX_MEMORY: this container has ${inMib(limitBytes)}: give the service ${inMib(MIN_MEMORY_BYTES)} or more`
  ]
}

const CALLED = { username: 'a username', email: 'an e-mail' } as const

/** An app knows a person again by what stands for the user, and gives the next one who has it the same account. */
const passesOn: Warning = ({ values }) => {
  const { IDENTITY_USER: user = 'user_id', IDENTITY_HEADERS: headers } = values
  const usual = headers?.usual ?? []
  const hasUser = usual.some(({ field }) => field === 'user' || field === 'user_id')
  return [
    user !== 'user_id' &&
      `IDENTITY_USER: ${CALLED[user]} can pass to another user, who then is the same user to an app: user_id never ` +
        'does (docs/identity.md)',
    usual.length > 0 &&
      !hasUser &&
      'IDENTITY_HEADERS: has neither {user} nor {user_id}: everything else can pass to another user, and is empty ' +
        'where it is not known: add one for the app to know people by'
  ]
}

const WARNINGS: readonly Warning[] = [
  plainEndpoint,
  passesOn,
  memoryThatDoesNotFit,
  alone,
  unprotected,
  longRefusals,
  wideTrust,
  openManagement,
  staleWithoutRevocation
]

export function warningsOf (readings: Readings, parts: readonly AnyPart[]): readonly string[] {
  const ofParts = readingsOfParts(readings)
  return [...WARNINGS.flatMap((warning) => warning(readings)), ...parts.flatMap((part) => part.doubtful(ofParts))]
    .filter((text) => text !== false)
}
