import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { defaultBudget, listenerBounds, waitingBudget } from '../core/memory-budget.ts'
import { NO_HEADERS } from '../identity/sets.ts'
import { type MachineMemory, machineMemory } from './machine-memory.ts'
import { showBytes } from './parsers/values.ts'
import { read, type Reading } from './read.ts'
import { brokenRules, type Machine, type Readings } from './rules.ts'
import type { Config, LoadedConfig, Setting } from './types.ts'
import { unknownVariables } from './unknown.ts'
import { rows, type Values } from './variables.ts'
import { warningsOf } from './warnings.ts'

/** The configuration from values that broke no rule. */
export function assemble (values: Values, memory: MachineMemory): Config {
  return {
    authgear: authgear(values, memory),
    audit: audit(values),
    profile: profile(values),
    listen: values.LISTEN,
    management: values.MANAGEMENT_LISTEN,
    managementToken: values.MANAGEMENT_TOKEN,
    managementHosts: values.MANAGEMENT_HOSTS ?? [],
    identify: values.IDENTIFY_LISTEN,
    grpc: values.LISTEN_GRPC,
    tls: tls(values),
    listeners: listenerBounds(memory),
    trustedProxies: values.TRUSTED_PROXIES,
    cache: {
      ttlMs: values.CACHE_TTL,
      negativeTtlMs: values.CACHE_NEGATIVE_TTL,
      degradedTtlMs: values.CACHE_DEGRADED_TTL,
      refreshAhead: values.CACHE_REFRESH_AHEAD,
      staleIfErrorMs: values.CACHE_STALE_IF_ERROR,
      maxEntries: values.CACHE_MAX_ENTRIES,
      maxBytes: values.CACHE_MAX_MEMORY ?? defaultBudget(memory),
      secret: servers(values) === undefined || values.CACHE_SECRET === 'none' ? undefined : values.CACHE_SECRET,
      previousSecret: servers(values) === undefined ? undefined : values.CACHE_SECRET_PREVIOUS
    },
    redis: redis(values),
    login: login(values),
    loginUrl: values.LOGIN_URL,
    assertion: assertion(values),
    resources: values.RESOURCES ?? [],
    resourceTokenMaxAgeMs: values.RESOURCE_TOKEN_MAX_AGE,
    identity: {
      headers: values.IDENTITY_HEADERS ?? NO_HEADERS,
      user: values.IDENTITY_USER,
      encoding: values.IDENTITY_ENCODING,
      groups: values.IDENTITY_PROFILE?.includes('groups') === true ? 'profile' : 'roles'
    },
    absentHeaders: values.ABSENT_HEADERS,
    extAuthzPolicy: values.EXT_AUTHZ_POLICY,
    extAuthzLocation: values.EXT_AUTHZ_LOCATION,
    preflight: values.PREFLIGHT,
    shutdownDelayMs: values.SHUTDOWN_DELAY,
    logFormat: values.LOG_FORMAT,
    logLevel: values.LOG_LEVEL
  }
}

function authgear (values: Values, memory: MachineMemory): Config['authgear'] {
  const endpoint = values.AUTHGEAR_ENDPOINT
  return {
    endpoint,
    resolverUrl: values.AUTHGEAR_RESOLVER_URL ?? `${endpoint.origin}/_resolver/resolve`,
    cookiePrefix: values.AUTHGEAR_COOKIE_PREFIX,
    timeoutMs: values.AUTHGEAR_TIMEOUT,
    maxConcurrency: values.AUTHGEAR_MAX_CONCURRENCY,
    maxQueue: values.AUTHGEAR_MAX_QUEUE,
    failuresPerMinute: values.AUTHGEAR_FAILURES_PER_MINUTE,
    waitingBytes: waitingBudget(memory),
    ca: values.AUTHGEAR_CA_FILE,
    webhookSecret: values.AUTHGEAR_WEBHOOK_SECRET,
    previousWebhookSecret: values.AUTHGEAR_WEBHOOK_SECRET_PREVIOUS,
    appId: values.AUTHGEAR_APP_ID
  }
}

/** The rules see to it that they are there together. */
function audit ({
  AUTHGEAR_ADMIN_API_URL: url,
  AUTHGEAR_ADMIN_API_KEY: key,
  AUTHGEAR_ADMIN_API_KEY_ID: id,
  AUTHGEAR_APP_ID: appId,
  AUTHGEAR_AUDIT_POLL: pollMs
}: Values): Config['audit'] {
  const keyId = id ?? key?.keyId
  return url === undefined || key === undefined || keyId === undefined || appId === undefined
    ? undefined
    : { url, key: { pem: key.pem, keyId }, appId, pollMs }
}

/** The rules see to it that the Admin API is there. */
function profile (values: Values): Config['profile'] {
  const [fields, api] = [values.IDENTITY_PROFILE, audit(values)]
  if (fields === undefined || api === undefined) return undefined
  const { url, key, appId } = api
  return {
    fields,
    api: { url, key, appId },
    ttlMs: values.PROFILE_TTL,
    timeoutMs: values.PROFILE_TIMEOUT,
    sendsUnverifiedEmail: values.IDENTITY_UNVERIFIED_EMAIL === 'send'
  }
}

function tls ({
  LISTEN_TLS_CERT_FILE: certFile,
  LISTEN_TLS_KEY_FILE: keyFile,
  LISTEN_TLS_CLIENT_CA_FILE: clientCaFile
}: Values): Config['tls'] {
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, clientCaFile }
}

function redis (values: Values): Config['redis'] {
  const chosen = servers(values)
  if (chosen === undefined) return undefined
  const url = values.REDIS_URL
  return {
    servers: chosen,
    username: url?.username ?? values.REDIS_USERNAME,
    password: url?.password ?? values.REDIS_PASSWORD,
    tls: url?.tls === true || values.REDIS_TLS === true ? { ca: values.REDIS_CA_FILE } : undefined,
    keyPrefix: values.REDIS_KEY_PREFIX,
    timeoutMs: values.REDIS_TIMEOUT
  }
}

/** The rules see to it that they are there together. */
function login ({
  LOGIN_CLIENT_ID: clientId,
  LOGIN_PUBLIC_URL: publicUrl,
  LOGIN_PATH: path,
  LOGIN_ALLOWED_HOSTS: hosts = [],
  LOGIN_SECRET: secret,
  LOGIN_SECRET_PREVIOUS: previousSecret,
  LOGOUT_REDIRECT_URI: logoutUri
}: Values): Config['login'] {
  if (clientId === undefined || publicUrl === undefined || secret === undefined) return undefined
  return {
    clientId,
    publicUrl: publicUrl.origin,
    path,
    // a login on this machine leads back to its own origin alone
    allowedHosts: publicUrl.origin.startsWith('https:') ? [...new Set([publicUrl.host, ...hosts])] : [],
    secret,
    previousSecret,
    logoutRedirectUri: logoutUri ?? `${publicUrl.origin}${path}/logged-out`
  }
}

/** The rules see to it that the issuer is there. */
function assertion ({
  ASSERTION: kind,
  ASSERTION_ISSUER: issuer,
  ASSERTION_KEY_FILE: keyFile,
  ASSERTION_KEY_ROTATION: rotationMs
}: Values): Config['assertion'] {
  if (kind === 'off' || issuer === undefined) return undefined
  return { issuer, keyFile, algorithm: kind === 'on' ? 'ES256' : kind, rotationMs }
}

/** The rules let one form through. */
function servers ({
  REDIS_URL: url,
  REDIS_CLUSTER: nodes,
  REDIS_SENTINELS: sentinels,
  REDIS_SENTINEL_NAME: name,
  REDIS_SENTINEL_PASSWORD: password
}: Values): NonNullable<Config['redis']>['servers'] | undefined {
  if (url !== undefined) return { kind: 'one', host: url.host, port: url.port, db: url.db }
  if (nodes !== undefined) return { kind: 'cluster', nodes }
  return sentinels === undefined || name === undefined ? undefined : { kind: 'sentinel', sentinels, name, password }
}

/** Freezes a plain value and all that it holds, and returns it. */
export function deepFreeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

const SYSTEM: Machine = Object.freeze({
  readFile: (path: string) => readFileSync(path, 'utf8'),
  ownAddresses: () => Object.values(networkInterfaces()).flatMap((all) => all ?? []).map(({ address }) => address),
  memory: machineMemory,
  nodeVersion: process.versions.node
})

type Row = Readonly<{ name: string, reading: Reading }>

function readingsOf (read: readonly Row[], machine: Machine): Readings {
  const isWritten = ({ reading }: Row): boolean => reading.kind === 'error' || reading.setting.source !== 'default'
  const set = new Set(read.filter(isWritten).map(({ name }) => name))
  const values = read.flatMap(({ name, reading }) => reading.kind === 'read' ? [[name, reading.value] as const] : [])
  // the table gives each value its type; this is the one place where the rows meet their names again
  return { ...machine, values: Object.fromEntries(values) as Partial<Values>, isSet: name => set.has(name) }
}

/** What stands in for these is derived, so no row can show it. */
function settingsOf (read: readonly Row[], { authgear, cache }: Config): readonly Setting[] {
  const settings = read.flatMap(({ reading }) => reading.kind === 'read' ? [reading.setting] : [])
  const derived: Readonly<Record<string, string>> = {
    AUTHGEAR_RESOLVER_URL: authgear.resolverUrl,
    CACHE_MAX_MEMORY: showBytes(cache.maxBytes)
  }
  return settings.map(setting => setting.shown === '' ? { ...setting, shown: derived[setting.name] ?? '' } : setting)
}

/**
 * The configuration that the environment gives, or everything that is wrong with it at once. No message holds a
 * secret's value.
 */
export function loadConfig (env: NodeJS.ProcessEnv, some: Partial<Machine> = {}): LoadedConfig {
  const machine = { ...SYSTEM, ...some }
  const all = rows.map(({ name, variable }) => ({ name, reading: read(name, variable, env, machine.readFile) }))
  const readings = readingsOf(all, machine)
  const unread = all.flatMap(({ reading }) => reading.kind === 'error' ? [reading.error] : [])
  const errors = [...unread, ...brokenRules(readings), ...unknownVariables(env)]
  if (errors.length > 0) return deepFreeze({ kind: 'errors', errors })
  const config = assemble(readings.values as Values, machine.memory()) // no error: every row was read
  return deepFreeze({ kind: 'ok', config, warnings: warningsOf(readings), settings: settingsOf(all, config) })
}
