import { type PartFindingId, parts } from '../../parts/index.ts'

/** Mistakes of new users, in the order of the list in docs/doctor.md, which `npm run docs` writes from this. */
export type Entry = Readonly<{
  /** An error makes `doctor` exit with 1. */
  severity: 'error' | 'warning'
  why: string
  set: string
}>

const OF_BASE = {
  configuration: {
    severity: 'error',
    why: 'the service does not start with it',
    set: 'what the line says; docs/configuration.md has every variable'
  },
  'configuration-doubtful': {
    severity: 'warning',
    why: 'the service starts, but does something that few people want',
    set: 'what the line says; docs/configuration.md has every variable'
  },
  'authgear-dns': {
    severity: 'error',
    why: 'every request without a cached session gets 503',
    set: 'AUTHGEAR_ENDPOINT (or AUTHGEAR_RESOLVER_URL) to a name that resolves on this machine; a container asks the ' +
      "container's DNS"
  },
  'authgear-unreachable': {
    severity: 'error',
    why: 'every request without a cached session gets 503',
    set: 'host and port of AUTHGEAR_ENDPOINT (or AUTHGEAR_RESOLVER_URL), https:// if it speaks TLS; network ' +
      'policies and firewalls must allow the connection'
  },
  'authgear-tls': {
    severity: 'error',
    why: 'the server cannot be authenticated, so every request without a cached session gets 503',
    set: "AUTHGEAR_CA_FILE to your own authority's certificate; the URL to a name in the " +
      'certificate, or to http:// for a server without TLS; or renew it'
  },
  'authgear-timeout': {
    severity: 'error',
    why: 'every request without a cached session waits that long and gets 503',
    set: "the address first: a firewall that drops packets looks like this; then Authgear's database and Redis; " +
      'AUTHGEAR_TIMEOUT last'
  },
  'authgear-unknown-host': {
    severity: 'error',
    why: 'Authgear selects the project by host name, so every request gets 503',
    set: 'AUTHGEAR_ENDPOINT to the project\'s public origin, as the portal shows it, character by character'
  },
  'authgear-endpoint-spelling': {
    severity: 'error',
    why: 'Authgear compares host and port exactly; this service sends lower case, and a port only if it is ' +
      "not the scheme's own",
    set: 'AUTHGEAR_ENDPOINT without the port (if only this service uses that port, put it in AUTHGEAR_RESOLVER_URL); ' +
      "the host in lower case, in the project's own configuration too"
  },
  'authgear-wrong-path': {
    severity: 'error',
    why: 'every request without a cached session gets 503',
    set: "AUTHGEAR_RESOLVER_URL: /_resolver/resolve on the public host, /resolve on the resolver's own port; or " +
      'leave it out'
  },
  'authgear-redirect': {
    severity: 'error',
    why: 'redirects are not followed, because they could send credentials elsewhere: every request without a ' +
      'cached session gets 503',
    set: 'https:// instead of http://, the host it redirects to, and no extra slash'
  },
  'authgear-fails': {
    severity: 'error',
    why: 'every request without a cached session gets 503',
    set: 'nothing here: check Authgear\'s log, its database and its Redis'
  },
  'authgear-not-resolver': {
    severity: 'error',
    why: 'its answers are meaningless: a page with status 200 would sign everyone out',
    set: 'AUTHGEAR_ENDPOINT, AUTHGEAR_RESOLVER_URL, and each proxy between: the resolver itself answers with an ' +
      'empty body'
  },
  'trust-proxy': {
    severity: 'error',
    why: 'scheme and host are the audience of JWT access tokens: Authgear refuses every JWT, while cookies and ' +
      'opaque tokens work',
    set: 'TRUST_PROXY=true at Authgear\'s resolver; or AUTHGEAR_RESOLVER_URL with the scheme of AUTHGEAR_ENDPOINT'
  },
  'cookie-prefix': {
    severity: 'error',
    why: 'this service finds no session cookie in any request: everyone with a cookie gets 401',
    set: 'AUTHGEAR_COOKIE_PREFIX to the project\'s `http.cookie_prefix`'
  },
  'cookie-host-only': {
    severity: 'warning',
    why: 'browsers send them to no other host, so an app on another host never sees a session ' +
      'cookie; bearer tokens work',
    set: '`http.cookie_domain` at Authgear to the domain that Authgear and the apps share'
  },
  'cookie-domain': {
    severity: 'error',
    why: 'browsers do not send Authgear\'s cookies there: everyone gets 401, or is sent to the login again and again',
    set: '`http.cookie_domain` at Authgear to a domain that contains both hosts; or move the app to such a host'
  },
  'cookie-missing': {
    severity: 'error',
    why: "the browser sent none: `http.cookie_domain` does not cover the app's host, the " +
      'person is not signed in, or the client suppresses session cookies',
    set: '`http.cookie_domain` at Authgear; paste the header of a request to the app, not to Authgear'
  },
  'cookie-refused': {
    severity: 'error',
    why: 'the session has ended, or belongs to another project: requests with them get 401',
    set: 'AUTHGEAR_ENDPOINT to the project that issued them; or sign in again and paste again'
  },
  'cookie-foreign': {
    severity: 'error',
    why: 'the first cookie of a name counts, here and at Authgear: if the other one comes first, everyone gets 401, ' +
      'and signing in does not help',
    set: 'the project\'s `http.cookie_prefix` to another value, and AUTHGEAR_COOKIE_PREFIX to the same; or ' +
      'rename the app\'s cookie'
  },
  'token-expired': {
    severity: 'warning',
    why: 'this says nothing about the setup: any Authgear would refuse it',
    set: 'paste a new one'
  },
  'jwt-audience': {
    severity: 'error',
    why: 'A request with it is answered 401 (wrong_audience), even beside a valid session: a token for one API must ' +
      'not open every app',
    set: "AUTHGEAR_ENDPOINT to the token's audience, if that is your project's public origin; otherwise a token " +
      'of your own project'
  },
  'token-for-resource': {
    severity: 'error',
    why: '/verify answers 401 (wrong_audience), and signing in does not help: a token for one API must not open ' +
      'every app',
    set: 'its audience in RESOURCES, and /resource instead of /verify on the routes of that API ' +
      '(docs/resource-tokens.md); nothing if the API verifies its tokens itself'
  },
  'jwt-refused': {
    severity: 'error',
    why: "Authgear sees another scheme or host than the token's; or the token was revoked, or " +
      'is no access token',
    set: "TRUST_PROXY=true at Authgear's resolver; every proxy in between must keep Host and X-Forwarded-Proto; " +
      'then a new token'
  },
  'token-refused': {
    severity: 'error',
    why: 'it expired, was revoked, is of another project, is an opaque one of a third-party client, which Authgear ' +
      'accepts only at /oauth2/userinfo, or is not an access token (but a refresh token or an ID token)',
    set: 'AUTHGEAR_ENDPOINT to the project that issued it; a new access token; or, for a third-party client, one ' +
      'with a `resource` (docs/resource-tokens.md)'
  },
  'authgear-address': {
    severity: 'warning',
    why: 'with LOGIN_SESSION=own all sign-ins and refreshes of the site share the 120 calls a minute that Authgear ' +
      "accepts from one address, and users' settings show the same address for every session",
    set: 'TRUST_PROXY=true at Authgear, and every proxy in front of it to forward X-Forwarded-For ' +
      '(docs/login.md#authgears-rate-limit)'
  },
  'clock-off': {
    severity: 'error',
    why: 'valid tokens count as expired, `max_age` policies are wrong, and the Admin API refuses our token from ' +
      'five minutes on',
    set: 'time synchronisation (NTP) on both machines'
  },
  'clock-drifts': {
    severity: 'warning',
    why: '`max_age` policies are off by as much, resource tokens are refused, and apps refuse assertions',
    set: 'time synchronisation (NTP) on both machines'
  },
  'certificate-ended': {
    severity: 'error',
    why: 'proxies that verify it refuse every request',
    set: 'LISTEN_TLS_CERT_FILE and LISTEN_TLS_KEY_FILE to new files (they are reloaded automatically); `cert ' +
      '--watch` renews its own'
  },
  'certificate-ends-soon': {
    severity: 'warning',
    why: 'it was not renewed in time; when it expires, every request fails',
    set: 'check the program that renews it'
  },
  'idle-timeout': {
    severity: 'error',
    why: 'while a session is cached, Authgear does not see it used, and may end it although the user is active',
    set: 'CACHE_TTL to a tenth of `session.idle_timeout_seconds` or less'
  },
  'redis-dns': {
    severity: 'error',
    why: 'replicas share nothing: answers come from memory or from Authgear, and a revocation reaches one ' +
      'replica',
    set: 'REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER to names that resolve on this machine'
  },
  'redis-unreachable': {
    severity: 'error',
    why: 'replicas share nothing: answers come from memory or from Authgear, and a revocation reaches one ' +
      'replica',
    set: 'host and port in REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER; rediss:// or REDIS_TLS only if the ' +
      'server speaks TLS'
  },
  'redis-tls': {
    severity: 'error',
    why: 'Redis is not used',
    set: "REDIS_CA_FILE to your own authority's certificate; names in the certificate; " +
      'redis:// for a server without TLS'
  },
  'redis-password': {
    severity: 'error',
    why: 'Redis is not used',
    set: 'REDIS_USERNAME and REDIS_PASSWORD (REDIS_SENTINEL_PASSWORD for the Sentinels); no password for a server ' +
      'without one'
  },
  'redis-sentinel': {
    severity: 'error',
    why: 'Redis is not used until more than half of the listed Sentinels name its master',
    set: 'REDIS_SENTINELS to the Sentinels\' own ports (26379), REDIS_SENTINEL_NAME to their name for the master'
  },
  'redis-form': {
    severity: 'error',
    why: 'most keys are rejected, so Redis is not used',
    set: 'REDIS_CLUSTER for a Cluster; REDIS_URL for one server'
  },
  'redis-rights': {
    severity: 'error',
    why: 'without it entries are not shared, or revocations are not',
    set: 'the rights that docs/redis.md prints, for the keys of REDIS_KEY_PREFIX'
  },
  'redis-read-only': {
    severity: 'error',
    why: 'nothing can be written, so Redis is not used',
    set: 'the address of the master; or REDIS_SENTINELS, which find it'
  },
  'redis-full': {
    severity: 'error',
    why: 'nothing new is shared, so each replica asks Authgear itself; revocations still work',
    set: 'a larger maxmemory, or a dedicated Redis; docs/operations.md says how much is needed'
  },
  'redis-evicts': {
    severity: 'error',
    why: 'the revocation log may be evicted: each time the whole cache is dropped, and soon Redis is not used ' +
      'for ten minutes',
    set: 'maxmemory-policy noeviction, volatile-lru or volatile-ttl'
  },
  'redis-forgets': {
    severity: 'warning',
    why: 'if it restarts together with all replicas, blocked clients are allowed again; with LOGIN_SESSION=own, ' +
      'everyone is redirected to Authgear and back once, and loses an unsent form',
    set: 'appendonly yes at Redis, with a volume for its files; CLIENTS_BLOCKED for clients that must stay blocked ' +
      '(docs/redis.md)'
  },
  'redis-replicas': {
    severity: 'warning',
    why: 'after a network partition with a failover, nothing informs our ' +
      "replicas on the old master's side: they accept revoked sessions until CACHE_TTL, resource tokens until exp",
    set: 'REDIS_SENTINELS, or REDIS_CLUSTER, which say who is master; nothing where the provider of one address ends ' +
      'connections at a failover'
  },
  'redis-log-long': {
    severity: 'warning',
    why: 'it takes memory from the cache, and every new replica reads all of it first',
    set: 'the rights in docs/redis.md, so that replicas can trim it; DEL of its two keys empties it and the cache'
  },
  'redis-slow': {
    severity: 'warning',
    why: 'when Redis is late, this service asks Authgear, so the cache helps less',
    set: 'a Redis closer to this machine; or a longer REDIS_TIMEOUT'
  },
  'redis-too-slow': {
    severity: 'error',
    why: 'every request goes to Authgear, and waits for Redis first',
    set: 'a Redis closer to this machine; or a longer REDIS_TIMEOUT'
  },
  'redis-cluster': {
    severity: 'error',
    why: 'keys in those slots are never cached; if the revocation log is there, Redis is not used at all',
    set: 'repair the Cluster (redis-cli --cluster check); cluster-require-full-coverage no'
  },
  'cache-secret': {
    severity: 'error',
    why: 'neither can read the other\'s entries. Each reads the other\'s revocations as "everything", but for those ' +
      'of a user',
    set: 'the same CACHE_SECRET on every replica; to change it, CACHE_SECRET_PREVIOUS beside it (docs/runbook.md, ' +
      '"Rotate a secret")'
  },
  rotation: {
    severity: 'warning',
    why: 'without X_PREVIOUS the cache is cold, logins in progress start over, or webhooks get 401',
    set: 'nothing yet: check again later, then remove X_PREVIOUS (docs/runbook.md, "Rotate a secret")'
  },
  'rotation-over': {
    severity: 'warning',
    why: 'the old secret still opens entries, and each read of Redis fetches two',
    set: 'remove X_PREVIOUS on all replicas'
  },
  'webhook-unseen': {
    severity: 'warning',
    why: 'a disabled or deleted user keeps access until CACHE_TTL',
    set: '`hook.non_blocking_handlers` at Authgear to this service\'s /webhook with events "*"; the log says where a ' +
      'signature was wrong'
  },
  'webhook-secret': {
    severity: 'warning',
    why: 'with another secret than that of the project, every webhook gets 401: a disabled or deleted user keeps ' +
      'access until CACHE_TTL',
    set: "AUTHGEAR_WEBHOOK_SECRET to the project's, on all replicas; the next webhook clears this finding"
  },
  'token-keys': {
    severity: 'error',
    why: 'every resource token gets 503; the resolver alone cannot check them',
    set: 'AUTHGEAR_ENDPOINT to an address that this machine can reach; AUTHGEAR_CA_FILE for your own authority'
  },
  issuer: {
    severity: 'error',
    why: 'every resource token and JWT names that issuer, so none would be accepted',
    set: 'AUTHGEAR_ENDPOINT to exactly the issuer, with https:// if the project has it'
  },
  'public-sign-up': {
    severity: 'warning',
    why: 'a route without a policy allows everyone who is signed in, and anyone can sign up',
    set: 'ALLOW, such as ALLOW=role=staff, or ALLOW=anyone if that is what you want (docs/policies.md, ' +
      '"Who may enter"); or turn sign-up off at Authgear (docs/portal.md, "Who can register")'
  },
  'app-unreachable': {
    severity: 'error',
    why: 'doctor cannot tell whether the proxy protects it',
    set: '--url to the address that browsers use, from a machine that can reach it'
  },
  'app-certificate': {
    severity: 'error',
    why: 'doctor cannot check the proxy before it trusts its certificate',
    set: 'NODE_EXTRA_CA_CERTS=/path/ca.pem in the environment of this command; the certificates of AUTHGEAR_CA_FILE ' +
      'are trusted here too'
  },
  'app-open': {
    severity: 'error',
    why: 'that page is not protected: its route does not ask this service, or a port of the app is public',
    set: 'the configuration that `snippet` prints for your proxy; no published port for the app; another page at ' +
      '--echo if this one is meant to be public'
  },
  'port-open': {
    severity: 'error',
    why: 'requests there are not checked, so an app that trusts identity headers trusts anyone',
    set: 'no published port for the app, or only on 127.0.0.1 (docs/exposed-ports.md)'
  },
  'port-own': {
    severity: 'warning',
    why: 'the main one trusts X-Forwarded-For from TRUSTED_PROXIES, and behind Docker strangers may look like one; ' +
      'the management listener shows metrics',
    set: 'no published port for this service, or only on 127.0.0.1 (docs/exposed-ports.md)'
  },
  'identity-forged': {
    severity: 'error',
    why: 'an app that trusts the header trusts any client: a client that sends it becomes that user',
    set: 'the configuration that `snippet` prints for your proxy, with --identity as IDENTITY_HEADERS has it'
  },
  'identity-unused': {
    severity: 'warning',
    why: 'an app that trusts this header trusts any client; harmless if no app behind this proxy does',
    set: 'the configuration that `snippet` prints for your proxy, or the files of the Compose stacks: they strip ' +
      'every such name'
  },
  'app-refuses': {
    severity: 'warning',
    why: 'doctor cannot see which headers it receives',
    set: 'paste a session that may open that page; or another page at --echo. Behind Caddy a 403 for everybody is ' +
      '`import authgear_policy` without its argument: write import authgear_policy ""'
  },
  'app-no-echo': {
    severity: 'warning',
    why: 'doctor cannot see which headers reach the app',
    set: '--echo to a page that shows them; traefik/whoami shows all of its headers'
  },
  'identity-missing': {
    severity: 'error',
    why: 'the app does not know the user',
    set: 'the headers that the proxy copies from this service: the configuration that `snippet` prints copies all'
  },
  unforeseen: {
    severity: 'error',
    why: 'doctor cannot tell whether this is correct',
    set: 'nothing: please report it'
  }
} as const satisfies Record<string, Entry>

const byId = <Id extends string>(findings: ReadonlyArray<Entry & Readonly<{ id: Id }>>) =>
  Object.fromEntries(findings.map(({ id, ...entry }) => [id, entry])) as Readonly<Record<Id, Entry>>

/** All that `doctor` may find. */
export const CATALOGUE: Readonly<Record<FindingId, Entry>> = Object.freeze({
  ...OF_BASE, ...byId(parts.flatMap(({ findings }) => findings))
})

export type FindingId = keyof typeof OF_BASE | PartFindingId

export type Finding = Readonly<{ id: FindingId, what: string }> & Pick<Entry, 'severity' | 'why' | 'set'>

/** Said of a token's audience. */
export const NOT_A_RESOURCE = 'which RESOURCES does not list'

/** @param what was seen: hosts, ports, codes and numbers, never anything of a credential or a secret */
export function found (id: FindingId, what: string): Finding {
  const { severity, why, set } = CATALOGUE[id]
  return { id, severity, what, why, set }
}
