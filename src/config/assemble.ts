import type { AccessRecordSettings } from '../operate/access-record/access-record.ts'
import type { AssertionSettings } from '../shared/assertion/types.ts'
import type { AuditSettings } from '../authgear/audit-log/run.ts'
import { defaultBudget, listenerBounds, waitingBudget } from '../core/memory-budget.ts'
import type { IdentitySettings } from '../request/identity/values.ts'
import { NO_HEADERS } from '../request/identity/sets.ts'
import type { LoginSettings } from '../request/login/settings.ts'
import type { PageSettings } from '../request/pages/settings.ts'
import type { ProfileSettings } from '../shared/profile/settings.ts'
import type { RedisSettings } from '../shared/redis/options.ts'
import type { MachineMemory } from './machine-memory.ts'
import type { Values, ValuesOf } from './variables.ts'

type Parts = ReturnType<typeof assemble>
/** Everything that the environment says, parsed, checked and deep-frozen. undefined: that part is off. */
export type Config = Readonly<{ [Name in keyof Parts]: Readonly<Parts[Name]> }>

/** What is left of a group when each of its variables was read: one that nobody reads does not compile. */
const nothingElse = (_: Record<string, never>): void => {}

/** The configuration from values that broke no rule. */
export function assemble (values: Values, memory: MachineMemory) {
  const [ofAuthgear, ofRedis] = [authgear(values, memory), redis(values)]
  return {
    ...ofAuthgear,
    ...listeners(values),
    /** What peers may make the listeners hold, by the machine's memory. */
    listeners: listenerBounds(memory),
    cache: cache(values, memory, ofRedis !== undefined),
    redis: ofRedis,
    ...login(values),
    ...resourceTokens(values),
    ...identity(values, ofAuthgear.audit),
    ...events(values),
    accessRecord: accessRecord(values),
    pages: pages(values),
    ...service(values)
  }
}

function authgear (values: ValuesOf<'Authgear'>, memory: MachineMemory) {
  const {
    AUTHGEAR_ENDPOINT: endpoint,
    AUTHGEAR_RESOLVER_URL: resolverUrl = `${endpoint.origin}/_resolver/resolve`,
    AUTHGEAR_COOKIE_PREFIX: cookiePrefix,
    AUTHGEAR_TIMEOUT: timeoutMs,
    AUTHGEAR_MAX_CONCURRENCY: maxConcurrency,
    AUTHGEAR_MAX_QUEUE: maxQueue,
    AUTHGEAR_FAILURES_PER_MINUTE: failuresPerMinute,
    AUTHGEAR_CA_FILE: ca,
    AUTHGEAR_WEBHOOK_SECRET: webhookSecret,
    AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: previousWebhookSecret,
    AUTHGEAR_APP_ID: appId,
    AUTHGEAR_ADMIN_API_URL: url,
    AUTHGEAR_ADMIN_API_KEY: key,
    AUTHGEAR_ADMIN_API_KEY_ID: keyId = key?.keyId,
    AUTHGEAR_AUDIT_POLL: pollMs,
    ...more
  } = values
  nothingElse(more)
  // the rules see to it that they are there together
  const audit: AuditSettings | undefined = url === undefined || !key || keyId === undefined || appId === undefined
    ? undefined
    : { url, key: { pem: key.pem, keyId }, appId, pollMs }
  return {
    authgear: {
      endpoint,
      resolverUrl,
      cookiePrefix,
      timeoutMs,
      maxConcurrency,
      maxQueue,
      failuresPerMinute,
      /** Bytes that all requests that wait for a resolution may take together. */
      waitingBytes: waitingBudget(memory),
      /** PEM text of extra authorities, beside the system's. */
      ca,
      webhookSecret,
      /** A webhook signed under it is taken too. */
      previousWebhookSecret,
      appId
    },
    audit
  }
}

function listeners (values: ValuesOf<'Listeners'>) {
  const {
    LISTEN: listen,
    MANAGEMENT_LISTEN: management,
    MANAGEMENT_TOKEN: managementToken,
    MANAGEMENT_HOSTS: managementHosts = [],
    IDENTIFY_LISTEN: identify,
    LISTEN_GRPC: grpc,
    LISTEN_TLS_CERT_FILE: certFile,
    LISTEN_TLS_KEY_FILE: keyFile,
    LISTEN_TLS_CLIENT_CA_FILE: clientCaFile,
    TRUSTED_PROXIES: trustedProxies,
    ...more
  } = values
  nothingElse(more)
  // paths, since the files are read again when they change
  const tls = certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, clientCaFile }
  return { listen, management, managementToken, managementHosts, identify, grpc, tls, trustedProxies }
}

function cache (values: ValuesOf<'Cache'>, memory: MachineMemory, isShared: boolean) {
  const {
    CACHE_TTL: ttlMs,
    CACHE_NEGATIVE_TTL: negativeTtlMs,
    CACHE_DEGRADED_TTL: degradedTtlMs,
    CACHE_REFRESH_AHEAD: refreshAhead,
    CACHE_STALE_IF_ERROR: staleIfErrorMs,
    CACHE_MAX_ENTRIES: maxEntries,
    CACHE_MAX_MEMORY: maxBytes = defaultBudget(memory),
    CACHE_SECRET: secret,
    CACHE_SECRET_PREVIOUS: previousSecret,
    ...more
  } = values
  nothingElse(more)
  return {
    ttlMs,
    negativeTtlMs,
    degradedTtlMs,
    /** Share of the life, 0 = off. */
    refreshAhead,
    staleIfErrorMs,
    maxEntries,
    /** Bytes of heap for what is remembered. */
    maxBytes,
    /** undefined without Redis and for `none` */
    secret: isShared && secret !== 'none' ? secret : undefined,
    /** What was made under it is read too; undefined without Redis. */
    previousSecret: isShared ? previousSecret : undefined
  }
}

/** undefined: memory only */
function redis (values: ValuesOf<'Redis'>): RedisSettings & Readonly<{ keyPrefix: string }> | undefined {
  const {
    REDIS_URL: url,
    REDIS_CLUSTER: nodes,
    REDIS_SENTINELS: sentinels,
    REDIS_SENTINEL_NAME: name,
    REDIS_SENTINEL_PASSWORD: sentinelPassword,
    REDIS_USERNAME: username,
    REDIS_PASSWORD: password,
    REDIS_TLS: isTls,
    REDIS_CA_FILE: ca,
    REDIS_KEY_PREFIX: keyPrefix,
    REDIS_TIMEOUT: timeoutMs,
    ...more
  } = values
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

function login (values: ValuesOf<'Login'>) {
  const {
    LOGIN_CLIENT_ID: clientId,
    LOGIN_URL: loginUrl,
    LOGIN_SESSION: session,
    LOGIN_SSO: sso,
    LOGIN_PUBLIC_URL: publicUrls,
    LOGIN_PATH: path,
    LOGIN_ALLOWED_HOSTS: hosts = [],
    LOGIN_SECRET: secret,
    LOGIN_SECRET_PREVIOUS: previousSecret,
    LOGOUT_REDIRECT_URI: logoutUri,
    ...more
  } = values
  nothingElse(more)
  const publicUrl = publicUrls?.[0]
  const own = session === 'own' && publicUrls !== undefined
    ? { origins: publicUrls.map(({ origin }) => origin), sso: sso === 'on', hasLogoutUri: logoutUri !== undefined }
    : undefined
  // the rules see to it that they are there together
  const settings: LoginSettings | undefined = clientId === undefined || !publicUrl || secret === undefined
    ? undefined
    : {
        clientId,
        ...own === undefined ? {} : { own },
        publicUrl: publicUrl.origin,
        path,
        // a login on this machine leads back to its own origin alone
        allowedHosts: publicUrl.origin.startsWith('https:') ? [...new Set([publicUrl.host, ...hosts])] : [],
        secret,
        previousSecret,
        logoutRedirectUri: logoutUri ?? `${publicUrl.origin}${path}/logged-out`
      }
  return { login: settings, loginUrl }
}

function resourceTokens (values: ValuesOf<'Resource tokens'>) {
  const {
    RESOURCES: resources = [],
    RESOURCE_TOKEN_MAX_AGE: resourceTokenMaxAgeMs,
    RESOURCE_CLIENTS: resourceClients,
    CLIENTS_BLOCKED: clientsBlocked = [],
    ...more
  } = values
  nothingElse(more)
  return { resources, resourceTokenMaxAgeMs, resourceClients, clientsBlocked }
}

function identity (values: ValuesOf<'Identity'>, api: AuditSettings | undefined) {
  const {
    IDENTITY_HEADERS: headers = NO_HEADERS,
    IDENTITY_USER: user,
    IDENTITY_ENCODING: encoding,
    IDENTITY_PROFILE: fields,
    IDENTITY_UNVERIFIED_EMAIL: unverified,
    PROFILE_TTL: ttlMs,
    PROFILE_TIMEOUT: timeoutMs,
    ASSERTION: assertion,
    ASSERTION_ISSUER: issuer,
    ASSERTION_KEY_FILE: keyFile,
    ASSERTION_KEY_ROTATION: rotationMs,
    ...more
  } = values
  nothingElse(more)
  const groups = fields?.includes('groups') === true ? 'profile' : 'roles'
  // the rules see to it that the Admin API is there, and an assertion's issuer
  const profile: ProfileSettings | undefined = fields === undefined || api === undefined
    ? undefined
    : {
        fields,
        api: { url: api.url, key: api.key, appId: api.appId },
        ttlMs,
        timeoutMs,
        sendsUnverifiedEmail: unverified === 'send'
      }
  return {
    identity: { headers, user, encoding, groups } satisfies IdentitySettings as IdentitySettings,
    profile,
    assertion: assertion === 'off' || issuer === undefined
      ? undefined
      : { issuer, keyFile, algorithm: assertion === 'on' ? 'ES256' : assertion, rotationMs } satisfies AssertionSettings
  }
}

function events (values: ValuesOf<'Events'>) {
  const { LISTEN_EVENTS: events, EVENTS_TOKENS: eventApps = [], ...more } = values
  nothingElse(more)
  return { events, eventApps }
}

function accessRecord (values: ValuesOf<'Access record'>): AccessRecordSettings | undefined {
  const {
    ACCESS_RECORD: sink,
    ACCESS_RECORD_WINDOW: windowMs,
    ACCESS_RECORD_PATH: path,
    ACCESS_RECORD_ADDRESS: address,
    ACCESS_RECORD_REQUIRED: required,
    ...more
  } = values
  nothingElse(more)
  if (sink === undefined) return undefined
  return { file: sink.file, windowMs, path, address: address === 'on', isRequired: required === 'on' }
}

function pages (values: ValuesOf<'Pages'>): PageSettings {
  const {
    BRAND_NAME: brandName,
    BRAND_LOGO_FILE: brandLogo,
    BRAND_COLOR: brandColor,
    DENIED_TEXT: deniedText,
    SUPPORT_URL: supportUrl,
    ...more
  } = values
  nothingElse(more)
  return { brandName, brandLogo, brandColor, deniedText, supportUrl }
}

function service (values: ValuesOf<'Service'>) {
  const {
    EXT_AUTHZ_POLICY: extAuthzPolicy,
    EXT_AUTHZ_LOCATION: extAuthzLocation,
    ABSENT_HEADERS: absentHeaders,
    PREFLIGHT: preflight,
    SHUTDOWN_DELAY: shutdownDelayMs,
    LOG_FORMAT: logFormat,
    LOG_LEVEL: logLevel,
    ...more
  } = values
  nothingElse(more)
  return { extAuthzPolicy, extAuthzLocation, absentHeaders, preflight, shutdownDelayMs, logFormat, logLevel }
}
