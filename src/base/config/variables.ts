import {
  adminKey, certificatesContent, certificatesPath, privateKeyPath
} from './parsers/files.ts'
import { cookiePrefix, keyPrefix, userName } from './parsers/names.ts'
import {
  boolean, bytes, choice, duration, integer, orOff, secret, secretOrNone, share
} from './parsers/values.ts'
import { adminApiUrl, endpoint, redisUrl, resolverUrl } from './parsers/urls.ts'
import { hostNames, listenAddress, redisAddresses, trustedProxies } from './parsers/hosts.ts'
import { identityHeaders } from './parsers/identity.ts'
import { type PartRows, parts } from '../../parts/index.ts'
import {
  type SettingsOf as SettingsOfRows, settingsOf as settingsOfRows, type ValuesOf, type Variable, type Variables
} from './kind.ts'

/**
 * The one table of variables, group by group: parsing, messages, `check`, .env.example and docs/configuration.md all
 * come from it, in this order.
 */
const authgear = {
  AUTHGEAR_ENDPOINT: {
    as: 'endpoint',
    kind: endpoint,
    required: true,
    example: 'https://myapp.authgear.cloud',
    meaning: 'The project\'s public origin.'
  },
  AUTHGEAR_RESOLVER_URL: {
    as: 'resolverUrl',
    kind: resolverUrl,
    derived: '`<AUTHGEAR_ENDPOINT>/_resolver/resolve`',
    example: 'http://authgear-resolver:3001/resolve',
    meaning: 'The resolver as this service reaches it; in a cluster the resolver\'s own service is the shorter way.'
  },
  AUTHGEAR_COOKIE_PREFIX: {
    as: 'cookiePrefix',
    kind: cookiePrefix,
    fallback: '',
    example: 'myapp_',
    meaning: 'The project\'s `http.cookie_prefix`.'
  },
  AUTHGEAR_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '100ms', max: '60s' }),
    fallback: '2s',
    meaning: 'The whole deadline of one resolution, its retry included; after it: 503.'
  },
  AUTHGEAR_MAX_CONCURRENCY: {
    as: 'maxConcurrency',
    kind: integer(1, 10_000),
    fallback: '64',
    meaning: 'How many resolutions may be under way at a time.'
  },
  AUTHGEAR_MAX_QUEUE: {
    as: 'maxQueue',
    kind: integer(0, 1_000_000),
    fallback: '1024',
    meaning:
      'How many resolutions may wait for a place; beyond that, and for one whose turn does not come within ' +
        '`AUTHGEAR_TIMEOUT`: 503 `overloaded`.'
  },
  AUTHGEAR_FAILURES_PER_MINUTE: {
    as: 'failuresPerMinute',
    kind: integer(0, 1000),
    fallback: '600',
    meaning:
      'How many different credentials that Authgear refuses one client may send a minute (its address as a trusted ' +
        'proxy names it; IPv6 by /56). Beyond that its credentials take turns, four at a time, before Authgear is ' +
        'asked; those that are remembered, or were valid before, do not wait. `0`: any number.'
  },
  AUTHGEAR_CA_FILE: {
    as: 'ca',
    kind: certificatesContent,
    example: '/etc/authgear-ca.pem',
    meaning:
      "Extra certificate authorities for the resolver's TLS, beside the public ones that Node ships " +
        '(`NODE_EXTRA_CA_CERTS` then does not count for it). Read once, at start.'
  },
  AUTHGEAR_WEBHOOK_SECRET: {
    as: 'webhookSecret',
    kind: secret(8, 'it is the webhook signature key in Authgear\'s portal'),
    secret: true,
    meaning: 'The project\'s webhook secret; with it `POST /webhook` takes Authgear\'s events and revokes at once.'
  },
  AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: {
    as: 'previousWebhookSecret',
    kind: secret(8, 'it is the webhook signature key that Authgear used before, or will use'),
    secret: true,
    meaning:
      'While the webhook secret is rotated: webhooks signed with this one are taken too (docs/runbook.md, "Rotate a ' +
        'secret").'
  },
  AUTHGEAR_APP_ID: {
    as: 'appId',
    kind: userName,
    example: 'myapp',
    meaning: 'The project\'s id: webhooks of another one are refused, and the Admin API\'s token is made out to it.'
  },
  AUTHGEAR_ADMIN_API_URL: {
    as: 'adminApiUrl',
    kind: adminApiUrl,
    example: 'http://authgear-admin:3002/graphql',
    meaning:
      'The Admin API as this service reaches it; with it the audit log is followed, so that sign-outs and role ' +
        'changes count within seconds (docs/audit-log.md). Needs `AUTHGEAR_ADMIN_API_KEY` and `AUTHGEAR_APP_ID`.'
  },
  AUTHGEAR_ADMIN_API_KEY: {
    as: 'adminKey',
    kind: adminKey,
    secret: true,
    meaning: 'The private key of the project\'s secret `admin-api.auth`.'
  },
  AUTHGEAR_ADMIN_API_KEY_ID: {
    as: 'adminKeyId',
    kind: userName,
    derived: 'the `kid` of a JWK',
    example: 'a1b2c3d4-0000-4000-8000-000000000000',
    meaning: 'That key\'s id, its `kid`; required with a PEM, which does not say it.'
  }
} as const satisfies Variables

const listeners = {
  LISTEN: {
    as: 'listen',
    listens: true,
    kind: listenAddress,
    fallback: '0.0.0.0:4180',
    meaning: 'Where the proxy asks (`/verify`). In the address of any listener `localhost` is 127.0.0.1, and not ::1.'
  },
  MANAGEMENT_LISTEN: {
    as: 'management',
    listens: true,
    kind: orOff(listenAddress),
    fallback: '127.0.0.1:4181',
    meaning:
      'Where health, metrics and the status page are served; never route the public here. The container image sets ' +
        '`0.0.0.0:4181`.'
  },
  LISTEN_TLS_CERT_FILE: {
    as: 'certFile',
    kind: certificatesPath,
    example: '/tls/tls.crt',
    meaning:
      'Certificate chain; with `LISTEN_TLS_KEY_FILE` the main listener speaks TLS, HTTP/2 and HTTP/1.1. Read again ' +
        'when it changes.'
  },
  LISTEN_TLS_KEY_FILE: {
    as: 'keyFile',
    kind: privateKeyPath,
    example: '/tls/tls.key',
    meaning: 'The certificate\'s private key. Read again when it changes.'
  },
  LISTEN_TLS_CLIENT_CA_FILE: {
    as: 'clientCaFile',
    kind: certificatesPath,
    example: '/tls/ca.crt',
    meaning: 'Mutual TLS: only clients with a certificate of this authority may connect. Read again when it changes.'
  },
  MANAGEMENT_TOKEN: {
    as: 'managementToken',
    kind: secret(16, 'make one with `openssl rand -base64 32`'),
    secret: true,
    meaning:
      'The bearer token of `POST /revocations` and `/clients` on the management listener; without it they are 404.'
  },
  MANAGEMENT_HOSTS: {
    as: 'managementHosts',
    kind: hostNames,
    example: 'forward-auth.internal,*.corp.example.com',
    meaning:
      "The names under which the status page is shown, beside addresses, `localhost` and this machine's own name."
  },
  TRUSTED_PROXIES: {
    as: 'trustedProxies',
    kind: trustedProxies,
    fallback: 'loopback,linklocal,uniquelocal',
    meaning: 'Whose `X-Forwarded-*` is believed. A peer on a unix socket counts as loopback.'
  }
} as const satisfies Variables

const cache = {
  CACHE_TTL: {
    as: 'ttlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '30s',
    meaning:
      'How long a valid session is remembered, and so how late a revocation may be noticed; `0` asks Authgear every ' +
        'time.'
  },
  CACHE_NEGATIVE_TTL: {
    as: 'negativeTtlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '5s',
    meaning:
      "How long a refused credential is remembered; `0`: not at all. Keep it at seconds: Authgear's refusal may be a " +
        'hiccup.'
  },
  CACHE_REFRESH_AHEAD: {
    as: 'refreshAhead',
    kind: share(0.95),
    fallback: '0.8',
    meaning:
      'The share of its life after which a session in use is asked about again, in the background and by one ' +
        'replica; `0`: only when it has ended.'
  },
  CACHE_STALE_IF_ERROR: {
    as: 'staleIfErrorMs',
    kind: duration({ min: '1ms', max: '1h', zero: true }),
    fallback: '0',
    meaning:
      'How long past its life a session that was valid, and was not revoked, is still accepted while Authgear cannot ' +
        'be reached; only by replicas that remember it, and never past the end of a token that came with the request ' +
        '(a session of this service goes on past the end of its access token).'
  },
  CACHE_DEGRADED_TTL: {
    as: 'degradedTtlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '5s',
    meaning: 'The oldest age at which entries in memory count while the revocation log in Redis cannot be followed.'
  },
  CACHE_MAX_ENTRIES: {
    as: 'maxEntries',
    kind: integer(1, 1_000_000),
    fallback: '100000',
    meaning:
      "How many sessions are remembered in this process' memory at most, if `CACHE_MAX_MEMORY` does not end earlier; " +
        'refusals are a tenth as many.'
  },
  CACHE_MAX_MEMORY: {
    as: 'maxBytes',
    kind: bytes('1m', '64g'),
    derived: 'a quarter of the memory beyond 64 MiB',
    example: '64m',
    meaning:
      "How much of this process' memory sessions may take; refusals take a tenth of it. The default " +
        "counts from the container's limit (or the machine's memory, where there is none) and is at most half of " +
        "what V8's heap has beyond 44 MiB: 9m in a container of 128 MiB, 48m of 256, 246m without a limit " +
        '(docs/operations.md).'
  },
  CACHE_SECRET: {
    as: 'secret',
    kind: secretOrNone(32, 'make one with `openssl rand -base64 32`'),
    secret: true,
    derived: 'required with Redis',
    meaning:
      'Keys the digests and seals the entries in Redis; the same on all replicas. `none` opts out: anyone who can ' +
        'write to Redis can then sign in as anybody.'
  },
  CACHE_SECRET_PREVIOUS: {
    as: 'previousSecret',
    kind: secret(32, 'it is the CACHE_SECRET from before the rotation'),
    secret: true,
    meaning:
      'While `CACHE_SECRET` is rotated: entries made under this one are read too, and replicas write under it ' +
        'until none is left that has only this one (docs/runbook.md, "Rotate a secret").'
  }
} as const satisfies Variables

const redis = {
  REDIS_URL: {
    as: 'url',
    kind: redisUrl,
    secret: true,
    derived: 'memory only, one replica',
    example: 'redis://redis:6379/0',
    meaning:
      'The Redis that replicas share, where it is one server. Only one of `REDIS_URL`, `REDIS_SENTINELS` and ' +
        '`REDIS_CLUSTER` can be set.'
  },
  REDIS_SENTINELS: {
    as: 'sentinels',
    kind: redisAddresses,
    example: 'sentinel-0:26379,sentinel-1:26379,sentinel-2:26379',
    meaning: 'The Sentinels that know which server is master; needs `REDIS_SENTINEL_NAME`.'
  },
  REDIS_SENTINEL_NAME: {
    as: 'sentinelName',
    kind: userName,
    example: 'mymaster',
    meaning: 'The Sentinels\' name for the master.'
  },
  REDIS_SENTINEL_PASSWORD: {
    as: 'sentinelPassword',
    kind: secret(1, 'leave it out for Sentinels without password'),
    secret: true,
    meaning: 'Password of the Sentinels themselves; that of the servers is `REDIS_PASSWORD`.'
  },
  REDIS_CLUSTER: {
    as: 'nodes',
    kind: redisAddresses,
    example: 'redis-0:6379,redis-1:6379,redis-2:6379',
    meaning: 'Some nodes of a Redis Cluster; the others are learned from them.'
  },
  REDIS_USERNAME: {
    as: 'username',
    kind: userName,
    example: 'forward-auth',
    meaning: 'ACL user; or in the URL. docs/redis.md prints the rights that it needs.'
  },
  REDIS_PASSWORD: {
    as: 'password',
    kind: secret(1, 'leave it out for a Redis without password'),
    secret: true,
    meaning: 'Password; or in the URL.'
  },
  REDIS_TLS: {
    as: 'isTls',
    kind: boolean,
    derived: '`true` with `rediss://`',
    example: 'true',
    meaning: 'TLS to Redis, as `rediss://` does; also to the Sentinels and to every node of a Cluster.'
  },
  REDIS_CA_FILE: {
    as: 'ca',
    kind: certificatesContent,
    example: '/etc/redis-ca.pem',
    meaning: 'Certificate authorities for the TLS to Redis, in place of the system\'s. Read once, at start.'
  },
  REDIS_KEY_PREFIX: {
    as: 'keyPrefix',
    kind: keyPrefix,
    fallback: 'forward-auth:',
    meaning: 'The beginning of all keys in Redis.'
  },
  REDIS_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '1ms', max: '5s' }),
    fallback: '50ms',
    meaning: 'How long one answer of Redis is waited for before Authgear is asked instead.'
  }
} as const satisfies Variables

const identity = {
  IDENTITY_HEADERS: {
    as: 'headers',
    kind: identityHeaders,
    example: 'remote',
    meaning:
      'Names under which apps expect the user, beside `x-authgear-*` (docs/identity.md). A route chooses another set ' +
        'by `identity=`; name each such set here too, after the usual one (`none,remote`): then every answer carries ' +
        'its names, empty where they are not meant.'
  },
  IDENTITY_USER: {
    as: 'user',
    kind: choice(['user_id', 'username', 'email']),
    fallback: 'user_id',
    meaning:
      'The field that stands for the user in those headers. A username and an e-mail can pass to another person; ' +
        'the id never ' +
        'does.'
  },
  IDENTITY_ENCODING: {
    as: 'encoding',
    kind: choice(['percent', 'rfc8187']),
    fallback: 'percent',
    meaning:
      'How a value beyond ASCII is written: `percent` (`%E6%9D%8E`, and `%` itself as `%25`), or `rfc8187` ' +
        "(`UTF-8''%E6%9D%8E`, plain ASCII as it is)."
  }
} as const satisfies Variables

const service = {
  EXT_AUTHZ_POLICY: {
    as: 'extAuthzPolicy',
    kind: choice(['optional', 'required']),
    fallback: 'optional',
    meaning:
      'Whether `/ext-authz/…` needs a policy as its first segment (`/ext-authz/~role=admin/…`; `/ext-authz/~/…` for ' +
        'a session): `required` refuses what has none, and lets the segment name a `resource=`.'
  },
  EXT_AUTHZ_LOCATION: {
    as: 'extAuthzLocation',
    kind: choice(['forwarded', 'request']),
    fallback: 'forwarded',
    meaning:
      'Where `/ext-authz/…` reads the address to which a login comes back: `X-Forwarded-Host` and `-Uri`, or, with ' +
        '`request`, ' +
        'Host and the path behind the policy, for a gateway that vouches for nothing else; no `X-Forwarded-*` line ' +
        'is read there then.'
  },
  ABSENT_HEADERS: {
    as: 'absentHeaders',
    kind: choice(['empty', 'omit']),
    fallback: 'empty',
    meaning:
      "Identity headers that Authgear did not send go out empty, so that the proxy overwrites the client's; `omit` " +
        'only where the proxy clears them itself.'
  },
  PREFLIGHT: {
    as: 'preflight',
    kind: choice(['deny', 'allow']),
    fallback: 'deny',
    meaning:
      "With `allow`, true CORS preflights get through without identity, where the proxy asks with the client's own " +
        'method (Envoy; Traefik with `preserveRequestMethod`).'
  },
  SHUTDOWN_DELAY: {
    as: 'shutdownDelayMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '0s',
    meaning: 'How long connections are still accepted after SIGTERM, while `/readyz` already says 503.'
  },
  LOG_LEVEL: {
    as: 'logLevel',
    kind: choice(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info',
    meaning:
      'The least important lines to log. Allowed requests are logged at `debug`, ten a second at most, and all at ' +
        '`trace`.'
  },
  LOG_FORMAT: {
    as: 'logFormat',
    kind: choice(['json', 'pretty']),
    fallback: 'json',
    meaning: 'One JSON object a line, or lines for a person at a terminal.'
  }
} as const satisfies Variables

/** The base's, in the order of the documentation; those of the parts come before the last one. */
const groups = Object.freeze({
  Authgear: authgear,
  Listeners: listeners,
  Cache: cache,
  Redis: redis,
  Identity: identity,
  Service: service
})
const LAST: ReadonlySet<Group> = new Set<Group>(['Service'])

type Groups = typeof groups
type Group = keyof Groups
/** All that a union of groups has, as one group. */
type Merged<Rows> =
  (Rows extends unknown ? (rows: Rows) => void : never) extends (rows: infer All) => void ? All : never
type All = Merged<Groups[Group] | PartRows>

export type VariableName = keyof All & string

/** Every variable's value under its name. */
export type Values = ValuesOf<All>

/** The values of one group of the base, by the names that the program has for them. */
export type SettingsOf<G extends Group> = SettingsOfRows<Groups[G]>

type Row = Readonly<{ name: VariableName, group: string, variable: Variable }>

const rowsOf = (group: string, variables: Variables): readonly Row[] =>
  Object.entries(variables).map(([name, variable]) => Object.freeze({ name: name as VariableName, group, variable }))
const ofBase = (isLast: boolean): readonly Row[] => (Object.keys(groups) as Group[])
  .filter((group) => LAST.has(group) === isLast).flatMap((group) => rowsOf(group, groups[group]))

/** The rows in the table's order. */
export const rows: readonly Row[] = Object.freeze([
  ...ofBase(false), ...parts.flatMap(({ title, variables }) => rowsOf(title, variables)), ...ofBase(true)
])

/** Each row under its name. */
export const variables = Object.freeze(
  Object.fromEntries(rows.map(({ name, variable }) => [name, variable]))
) as Readonly<Record<VariableName, Variable>>

/** The values of one group of the base, by the program's names. */
export const settingsOf = <G extends Group>(group: G, values: Values): SettingsOf<G> =>
  settingsOfRows<Groups[G]>(groups[group], values)
