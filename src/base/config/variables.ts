import {
  adminKey, certificatesContent, certificatesPath, privateKeyPath
} from './parsers/files.ts'
import { cookiePrefix, keyPrefix, userName } from './parsers/names.ts'
import {
  boolean, bytes, choice, duration, integer, orOff, secret, secretOrNone
} from './parsers/values.ts'
import { adminApiUrl, endpoint, redisUrl, resolverUrl } from './parsers/urls.ts'
import { hostNames, listenAddress, redisAddresses, trustedProxies } from './parsers/hosts.ts'
import { identityHeaders } from './parsers/identity.ts'
import type { AnyPart } from '../parts/part.ts'
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
    meaning: 'The public origin of your Authgear project.'
  },
  AUTHGEAR_RESOLVER_URL: {
    as: 'resolverUrl',
    kind: resolverUrl,
    derived: '`<AUTHGEAR_ENDPOINT>/_resolver/resolve`',
    example: 'http://authgear-resolver:3001/resolve',
    meaning: "The resolver's URL as this service reaches it. In a cluster, use the resolver's own service."
  },
  AUTHGEAR_COOKIE_PREFIX: {
    as: 'cookiePrefix',
    kind: cookiePrefix,
    fallback: '',
    example: 'myapp_',
    meaning: "The project's `http.cookie_prefix`."
  },
  AUTHGEAR_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '100ms', max: '60s' }),
    fallback: '2s',
    meaning: 'The deadline for one resolution, retry included; then the answer is 503.'
  },
  AUTHGEAR_MAX_CONCURRENCY: {
    as: 'maxConcurrency',
    kind: integer(1, 10_000),
    fallback: '64',
    meaning: 'The maximum of concurrent resolutions.'
  },
  AUTHGEAR_MAX_QUEUE: {
    as: 'maxQueue',
    kind: integer(0, 1_000_000),
    fallback: '1024',
    meaning:
      'The maximum of queued resolutions. Beyond it, or after `AUTHGEAR_TIMEOUT` in the queue, the answer is 503 ' +
        '`overloaded`.'
  },
  AUTHGEAR_FAILURES_PER_MINUTE: {
    as: 'failuresPerMinute',
    kind: integer(0, 1000),
    fallback: '600',
    meaning:
      'How many different refused credentials one client (address, or IPv6 /56) may send per minute. Beyond that ' +
        'its unknown credentials queue, four at a time; known ones do not. `0`: no limit.'
  },
  AUTHGEAR_CA_FILE: {
    as: 'ca',
    kind: certificatesContent,
    example: '/etc/authgear-ca.pem',
    meaning:
      "Certificate authorities for the resolver's TLS, besides Node's public ones (without `NODE_EXTRA_CA_CERTS`). " +
        'Read at start.'
  },
  AUTHGEAR_WEBHOOK_SECRET: {
    as: 'webhookSecret',
    kind: secret(8, 'it is the webhook signature key in Authgear\'s portal'),
    secret: true,
    meaning: "The project's webhook secret. With it, `POST /webhook` accepts Authgear's events and revokes at once."
  },
  AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: {
    as: 'previousWebhookSecret',
    kind: secret(8, 'it is the webhook signature key that Authgear used before, or will use'),
    secret: true,
    meaning: 'The previous secret, accepted too during a rotation (docs/runbook.md, "Rotate a secret").'
  },
  AUTHGEAR_APP_ID: {
    as: 'appId',
    kind: userName,
    example: 'myapp',
    meaning: "The project's id, for webhooks and the Admin API. Webhooks of other projects are refused."
  },
  AUTHGEAR_ADMIN_API_URL: {
    as: 'adminApiUrl',
    kind: adminApiUrl,
    example: 'http://authgear-admin:3002/graphql',
    meaning:
      'The Admin API as this service reaches it, to follow the audit log (docs/audit-log.md). Needs ' +
        '`AUTHGEAR_ADMIN_API_KEY` and `AUTHGEAR_APP_ID`.'
  },
  AUTHGEAR_ADMIN_API_KEY: {
    as: 'adminKey',
    kind: adminKey,
    secret: true,
    meaning: "The private key in the project's secret `admin-api.auth`."
  },
  AUTHGEAR_ADMIN_API_KEY_ID: {
    as: 'adminKeyId',
    kind: userName,
    derived: 'the `kid` of a JWK',
    example: 'a1b2c3d4-0000-4000-8000-000000000000',
    meaning: 'The id (`kid`) of that key. Required with a PEM file.'
  }
} as const satisfies Variables

const listeners = {
  LISTEN: {
    as: 'listen',
    listens: true,
    kind: listenAddress,
    fallback: '0.0.0.0:4180',
    meaning: 'The address that the proxy asks (`/verify`). In all listeners `localhost` is 127.0.0.1, not ::1.'
  },
  MANAGEMENT_LISTEN: {
    as: 'management',
    listens: true,
    kind: orOff(listenAddress),
    fallback: '127.0.0.1:4181',
    meaning:
      'The address for health checks, metrics and the status page. Never expose it to the public. The image sets ' +
        '`0.0.0.0:4181`.'
  },
  LISTEN_TLS_CERT_FILE: {
    as: 'certFile',
    kind: certificatesPath,
    example: '/tls/tls.crt',
    meaning:
      'The certificate chain. With `LISTEN_TLS_KEY_FILE` the main listener speaks TLS with HTTP/2 and HTTP/1.1. ' +
        'Reloaded when it changes.'
  },
  LISTEN_TLS_KEY_FILE: {
    as: 'keyFile',
    kind: privateKeyPath,
    example: '/tls/tls.key',
    meaning: "The certificate's private key. Reloaded when it changes."
  },
  LISTEN_TLS_CLIENT_CA_FILE: {
    as: 'clientCaFile',
    kind: certificatesPath,
    example: '/tls/ca.crt',
    meaning: 'Mutual TLS: only clients with a certificate of this authority can connect. Reloaded when it changes.'
  },
  MANAGEMENT_TOKEN: {
    as: 'managementToken',
    kind: secret(16, 'make one with `openssl rand -base64 32`'),
    secret: true,
    meaning:
      'The bearer token for `POST /revocations` and `/clients` on the management listener; without it both are 404.'
  },
  MANAGEMENT_HOSTS: {
    as: 'managementHosts',
    kind: hostNames,
    example: 'forward-auth.internal,*.corp.example.com',
    meaning: "Host names that may show the status page, besides IP addresses, `localhost` and this machine's name."
  },
  TRUSTED_PROXIES: {
    as: 'trustedProxies',
    kind: trustedProxies,
    fallback: 'loopback,linklocal,uniquelocal',
    meaning: 'Proxies whose `X-Forwarded-*` headers are trusted. A peer on a unix socket counts as loopback.'
  }
} as const satisfies Variables

const cache = {
  CACHE_TTL: {
    as: 'ttlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '30s',
    meaning:
      'How long to cache a valid session: the longest delay of a revocation that nothing reports. `0` asks Authgear ' +
        'every time.'
  },
  CACHE_NEGATIVE_TTL: {
    as: 'negativeTtlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '5s',
    meaning:
      'How long to cache a refused credential; `0`: off. Keep it to seconds: Authgear may briefly refuse a valid ' +
        'session by mistake.'
  },
  CACHE_STALE_IF_ERROR: {
    as: 'staleIfErrorMs',
    kind: duration({ min: '1ms', max: '1h', zero: true }),
    fallback: '0',
    meaning:
      'How long after expiry this replica accepts an unrevoked session from its memory while Authgear is ' +
        'unreachable; never beyond the expiry of a token in the request. An own session may outlive its access ' +
        'token.'
  },
  CACHE_DEGRADED_TTL: {
    as: 'degradedTtlMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '5s',
    meaning: 'The maximum age of cached entries while this replica cannot follow the revocation log in Redis.'
  },
  CACHE_MAX_ENTRIES: {
    as: 'maxEntries',
    kind: integer(1, 1_000_000),
    fallback: '100000',
    meaning: 'The maximum of sessions in memory; a tenth as many refusals. `CACHE_MAX_MEMORY` may be reached first.'
  },
  CACHE_MAX_MEMORY: {
    as: 'maxBytes',
    kind: bytes('1m', '64g'),
    derived: 'a quarter of the memory beyond 64 MiB',
    example: '64m',
    meaning:
      'Memory for cached sessions; refusals get a tenth of it. By default 9m in a container of 128 MiB, 48m in 256 ' +
        'MiB, 246m without a limit (docs/operations.md, "Memory").'
  },
  CACHE_SECRET: {
    as: 'secret',
    kind: secretOrNone(32, 'make one with `openssl rand -base64 32`'),
    secret: true,
    derived: 'required with Redis',
    meaning:
      'Encrypts entries in Redis and hides credentials in their keys. Use one value on all replicas. With `none`, ' +
        'anyone who can write to Redis can sign in as any user.'
  },
  CACHE_SECRET_PREVIOUS: {
    as: 'previousSecret',
    kind: secret(32, 'it is the CACHE_SECRET from before the rotation'),
    secret: true,
    meaning:
      'The previous secret, during a rotation: its entries are read too, and replicas write with it until all know ' +
        'the new one (docs/runbook.md, "Rotate a secret").'
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
      'The Redis server that all replicas share. Set one of `REDIS_URL`, `REDIS_SENTINELS` and `REDIS_CLUSTER`.'
  },
  REDIS_SENTINELS: {
    as: 'sentinels',
    kind: redisAddresses,
    example: 'sentinel-0:26379,sentinel-1:26379,sentinel-2:26379',
    meaning: 'The Sentinels, which know the current master. Needs `REDIS_SENTINEL_NAME`.'
  },
  REDIS_SENTINEL_NAME: {
    as: 'sentinelName',
    kind: userName,
    example: 'mymaster',
    meaning: "The name of the master in the Sentinels' configuration."
  },
  REDIS_SENTINEL_PASSWORD: {
    as: 'sentinelPassword',
    kind: secret(1, 'leave it out for Sentinels without password'),
    secret: true,
    meaning: "The password of the Sentinels. The servers' password is `REDIS_PASSWORD`."
  },
  REDIS_CLUSTER: {
    as: 'nodes',
    kind: redisAddresses,
    example: 'redis-0:6379,redis-1:6379,redis-2:6379',
    meaning: 'Some nodes of a Redis Cluster; they name the others.'
  },
  REDIS_USERNAME: {
    as: 'username',
    kind: userName,
    example: 'forward-auth',
    meaning: 'The ACL user, unless the URL has one. Its rights: docs/redis.md.'
  },
  REDIS_PASSWORD: {
    as: 'password',
    kind: secret(1, 'leave it out for a Redis without password'),
    secret: true,
    meaning: 'The password, unless the URL has one.'
  },
  REDIS_TLS: {
    as: 'isTls',
    kind: boolean,
    derived: '`true` with `rediss://`',
    example: 'true',
    meaning: 'TLS to Redis, as `rediss://` does, and to the Sentinels and every node of a Cluster.'
  },
  REDIS_CA_FILE: {
    as: 'ca',
    kind: certificatesContent,
    example: '/etc/redis-ca.pem',
    meaning: "Certificate authorities for Redis' TLS, instead of the system's. Read at start."
  },
  REDIS_KEY_PREFIX: {
    as: 'keyPrefix',
    kind: keyPrefix,
    fallback: 'forward-auth:',
    meaning: 'The prefix of all keys in Redis.'
  },
  REDIS_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '1ms', max: '5s' }),
    fallback: '50ms',
    meaning: 'How long to wait for Redis before asking Authgear instead.'
  }
} as const satisfies Variables

const identity = {
  IDENTITY_HEADERS: {
    as: 'headers',
    kind: identityHeaders,
    example: 'remote',
    meaning:
      'Header names under which apps expect the user, besides `x-authgear-*` (docs/identity.md). List sets that ' +
        'routes select with `identity=` too, after the usual one (`none,remote`).'
  },
  IDENTITY_USER: {
    as: 'user',
    kind: choice(['user_id', 'username', 'email']),
    fallback: 'user_id',
    meaning:
      'The field that identifies the user in those headers. A username or e-mail address can pass to another ' +
        'person; the id never does.'
  },
  IDENTITY_ENCODING: {
    as: 'encoding',
    kind: choice(['percent', 'rfc8187']),
    fallback: 'percent',
    meaning:
      'The encoding of values beyond ASCII: `percent` (`%E6%9D%8E`, and `%` itself as `%25`), or `rfc8187` ' +
        "(`UTF-8''%E6%9D%8E`; plain ASCII unchanged)."
  }
} as const satisfies Variables

const service = {
  EXT_AUTHZ_POLICY: {
    as: 'extAuthzPolicy',
    kind: choice(['optional', 'required']),
    fallback: 'optional',
    meaning:
      'Whether `/ext-authz/…` needs a policy as its first segment (`/ext-authz/~role=admin/…`; `~` alone: any ' +
        'session). `required` refuses requests without one, and allows `resource=` in it.'
  },
  EXT_AUTHZ_LOCATION: {
    as: 'extAuthzLocation',
    kind: choice(['forwarded', 'request']),
    fallback: 'forwarded',
    meaning:
      'Where `/ext-authz/…` finds the page to return to after a login: in `X-Forwarded-Host` and ' +
        '`X-Forwarded-Uri`, or with `request` in Host and the path after the policy, for gateways without ' +
        '`X-Forwarded-*` (ignored then).'
  },
  ABSENT_HEADERS: {
    as: 'absentHeaders',
    kind: choice(['empty', 'omit']),
    fallback: 'empty',
    meaning:
      'Whether identity headers that Authgear did not send go out empty, so that the proxy overwrites the ' +
        "client's. Use `omit` only if the proxy clears them."
  },
  PREFLIGHT: {
    as: 'preflight',
    kind: choice(['deny', 'allow']),
    fallback: 'deny',
    meaning:
      "With `allow`, CORS preflights pass without identity, behind proxies that ask with the client's method " +
        '(Envoy; Traefik with `preserveRequestMethod`).'
  },
  SHUTDOWN_DELAY: {
    as: 'shutdownDelayMs',
    kind: duration({ min: '1ms', max: '10m', zero: true }),
    fallback: '0s',
    meaning: 'How long to accept connections after SIGTERM, while `/readyz` is 503.'
  },
  LOG_LEVEL: {
    as: 'logLevel',
    kind: choice(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info',
    meaning: 'The lowest level to log. Allowed requests are at `debug` (ten per second at most) and `trace` (all).'
  },
  LOG_FORMAT: {
    as: 'logFormat',
    kind: choice(['json', 'pretty']),
    fallback: 'json',
    meaning: 'JSON, or lines for a terminal.'
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
type All = Merged<Groups[Group]>

export type VariableName = keyof All & string

/** The value of each variable of the base under its name. */
export type Values = ValuesOf<All>

/** The values of one group of the base, by the names that the program has for them. */
export type SettingsOf<G extends Group> = SettingsOfRows<Groups[G]>

export type Row = Readonly<{ name: string, group: string, variable: Variable }>

const rowsOf = (group: string, variables: Variables): readonly Row[] =>
  Object.entries(variables).map(([name, variable]) => Object.freeze({ name, group, variable }))
const ofBase = (isLast: boolean): readonly Row[] => (Object.keys(groups) as Group[])
  .filter((group) => LAST.has(group) === isLast).flatMap((group) => rowsOf(group, groups[group]))

/** The rows of the base and of these parts, in the table's order. */
export const rowsWith = (parts: readonly AnyPart[]): readonly Row[] => Object.freeze([
  ...ofBase(false), ...parts.flatMap(({ title, variables }) => rowsOf(title, variables)), ...ofBase(true)
])

/** The values of one group of the base, by the program's names. */
export const settingsOf = <G extends Group>(group: G, values: Values): SettingsOf<G> =>
  settingsOfRows<Groups[G]>(groups[group], values)
