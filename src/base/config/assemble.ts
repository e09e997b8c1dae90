import type { AdminApiAccount } from '../authgear/admin-api/client.ts'
import { defaultBudget, listenerBounds, waitingBudget } from '../core/memory-budget.ts'
import type { IdentitySettings } from '../identity/values.ts'
import { NO_HEADERS } from '../identity/sets.ts'
import type { RedisSettings } from '../redis/options.ts'
import type { MachineMemory } from './machine-memory.ts'
import type { AnyPart } from '../parts/part.ts'
import { type SettingsOf, settingsOf, type Values } from './variables.ts'

type Parts = ReturnType<typeof assemble>
/** Everything that the environment says, parsed, checked and deep-frozen. undefined: that part is off. */
export type Config = Readonly<{ [Name in keyof Parts]: Readonly<Parts[Name]> }>

/** The rest of a group of which each value was read: one that nobody reads does not compile. */
const nothingElse = (_: Record<string, never>): void => {}

/**
 * The configuration from values that broke no rule. Each variable is in it by its name in the table (`as`); here stands
 * what is made of several, or stands in for one that is not set.
 */
export function assemble (values: Values, memory: MachineMemory, env: NodeJS.ProcessEnv, parts: readonly AnyPart[]) {
  const ofAuthgear = authgear(settingsOf('Authgear', values), memory)
  const ofRedis = redis(settingsOf('Redis', values))
  return {
    ...ofAuthgear,
    ...listeners(settingsOf('Listeners', values)),
    /** The bytes and connections that peers may take of the listeners, by the machine's memory. */
    listeners: listenerBounds(memory),
    cache: cache(settingsOf('Cache', values), memory, ofRedis !== undefined),
    redis: ofRedis,
    identity: identity(settingsOf('Identity', values)),
    /** The parts that are on, in the order of the list. */
    parts: parts.flatMap((part) => part.configure(values, env) ?? []),
    ...settingsOf('Service', values)
  }
}

function authgear (settings: SettingsOf<'Authgear'>, memory: MachineMemory) {
  const { adminApiUrl: url, adminKey: key, adminKeyId: keyId = key?.keyId, ...rest } = settings
  const { endpoint, resolverUrl = `${endpoint.origin}/_resolver/resolve`, appId } = rest
  // the rules see to it that they are there together
  const adminApi: AdminApiAccount | undefined = url === undefined || !key || keyId === undefined || appId === undefined
    ? undefined
    : { url, key: { pem: key.pem, keyId }, appId }
  /** Bytes that all requests that wait for a resolution may take together. */
  const waitingBytes = waitingBudget(memory)
  return { authgear: { ...rest, resolverUrl, waitingBytes }, adminApi }
}

function listeners ({ certFile, keyFile, clientCaFile, managementHosts = [], ...rest }: SettingsOf<'Listeners'>) {
  // paths, since the files are read again when they change
  const tls = certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, clientCaFile }
  return { ...rest, managementHosts, tls }
}

function cache (
  { maxBytes, secret, previousSecret, ...rest }: SettingsOf<'Cache'>,
  memory: MachineMemory,
  isShared: boolean
) {
  return {
    ...rest,
    /** Bytes of heap for what is remembered. */
    maxBytes: maxBytes ?? defaultBudget(memory),
    /** undefined without Redis and for `none` */
    secret: isShared && secret !== 'none' ? secret : undefined,
    /** The secret whose entries are still read; undefined without Redis. */
    previousSecret: isShared ? previousSecret : undefined
  }
}

/** undefined: memory only */
function redis (settings: SettingsOf<'Redis'>): RedisSettings & Readonly<{ keyPrefix: string }> | undefined {
  const { url, nodes, sentinels, sentinelName: name, sentinelPassword, ...rest } = settings
  const { username, password, isTls, ca, keyPrefix, timeoutMs, ...more } = rest
  nothingElse(more)
  const shared = {
    username: url?.username ?? username,
    password: url?.password ?? password,
    tls: url?.tls === true || isTls === true ? { ca } : undefined,
    keyPrefix,
    timeoutMs
  }
  // the rules let one form through
  if (url !== undefined) return { servers: { kind: 'one', host: url.host, port: url.port, db: url.db }, ...shared }
  if (nodes !== undefined) return { servers: { kind: 'cluster', nodes }, ...shared }
  if (sentinels === undefined || name === undefined) return undefined
  return { servers: { kind: 'sentinel', sentinels, name, password: sentinelPassword }, ...shared }
}

function identity ({ headers = NO_HEADERS, ...rest }: SettingsOf<'Identity'>): IdentitySettings {
  return { headers, ...rest }
}
