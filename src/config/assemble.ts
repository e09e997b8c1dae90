import { defaultBudget } from '../core/memory-budget.ts'
import type { MachineMemory } from '../machine-memory.ts'
import type { Config } from './types.ts'
import type { Values } from './variables.ts'

/** The configuration from values that broke no rule. */
export function assemble (values: Values, memory: MachineMemory): Config {
  return {
    authgear: authgear(values),
    audit: audit(values),
    listen: values.LISTEN,
    management: values.MANAGEMENT_LISTEN,
    managementToken: values.MANAGEMENT_TOKEN,
    managementHosts: values.MANAGEMENT_HOSTS ?? [],
    identify: values.IDENTIFY_LISTEN,
    tls: tls(values),
    trustedProxies: values.TRUSTED_PROXIES,
    cache: {
      ttlMs: values.CACHE_TTL,
      negativeTtlMs: values.CACHE_NEGATIVE_TTL,
      degradedTtlMs: values.CACHE_DEGRADED_TTL,
      refreshAhead: values.CACHE_REFRESH_AHEAD,
      staleIfErrorMs: values.CACHE_STALE_IF_ERROR,
      maxEntries: values.CACHE_MAX_ENTRIES,
      maxBytes: values.CACHE_MAX_MEMORY ?? defaultBudget(memory),
      secret: servers(values) === undefined || values.CACHE_SECRET === 'none' ? undefined : values.CACHE_SECRET
    },
    redis: redis(values),
    login: login(values),
    absentHeaders: values.ABSENT_HEADERS,
    preflight: values.PREFLIGHT,
    shutdownDelayMs: values.SHUTDOWN_DELAY,
    logFormat: values.LOG_FORMAT,
    logLevel: values.LOG_LEVEL
  }
}

function authgear (values: Values): Config['authgear'] {
  const endpoint = values.AUTHGEAR_ENDPOINT
  return {
    endpoint,
    resolverUrl: values.AUTHGEAR_RESOLVER_URL ?? `${endpoint.origin}/_resolver/resolve`,
    cookiePrefix: values.AUTHGEAR_COOKIE_PREFIX,
    timeoutMs: values.AUTHGEAR_TIMEOUT,
    maxConcurrency: values.AUTHGEAR_MAX_CONCURRENCY,
    maxQueue: values.AUTHGEAR_MAX_QUEUE,
    failuresPerMinute: values.AUTHGEAR_FAILURES_PER_MINUTE,
    ca: values.AUTHGEAR_CA_FILE,
    webhookSecret: values.AUTHGEAR_WEBHOOK_SECRET,
    appId: values.AUTHGEAR_APP_ID
  }
}

/** The rules see to it that they are there together. */
function audit ({ AUTHGEAR_ADMIN_API_URL: url, AUTHGEAR_ADMIN_API_KEY: key, AUTHGEAR_ADMIN_API_KEY_ID: id, AUTHGEAR_APP_ID: appId, AUTHGEAR_AUDIT_POLL: pollMs }: Values): Config['audit'] {
  const keyId = id ?? key?.keyId
  return url === undefined || key === undefined || keyId === undefined || appId === undefined ? undefined : { url, key: { pem: key.pem, keyId }, appId, pollMs }
}

function tls ({ LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile, LISTEN_TLS_CLIENT_CA_FILE: clientCaFile }: Values): Config['tls'] {
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
function login ({ LOGIN_CLIENT_ID: clientId, LOGIN_PUBLIC_URL: publicUrl, LOGIN_PATH: path, LOGIN_ALLOWED_HOSTS: hosts = [], LOGIN_SECRET: secret, LOGOUT_REDIRECT_URI: logoutUri }: Values): Config['login'] {
  if (clientId === undefined || publicUrl === undefined || secret === undefined) return undefined
  return {
    clientId,
    publicUrl: publicUrl.origin,
    path,
    allowedHosts: [...new Set([publicUrl.host, ...hosts])],
    secret,
    logoutRedirectUri: logoutUri ?? `${publicUrl.origin}${path}/logged-out`
  }
}

/** The rules let one form through. */
function servers ({ REDIS_URL: url, REDIS_CLUSTER: nodes, REDIS_SENTINELS: sentinels, REDIS_SENTINEL_NAME: name, REDIS_SENTINEL_PASSWORD: password }: Values): NonNullable<Config['redis']>['servers'] | undefined {
  if (url !== undefined) return { kind: 'one', host: url.host, port: url.port, db: url.db }
  if (nodes !== undefined) return { kind: 'cluster', nodes }
  return sentinels === undefined || name === undefined ? undefined : { kind: 'sentinel', sentinels, name, password }
}
