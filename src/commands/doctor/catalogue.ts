import { type PartFindingId, parts } from '../../parts/index.ts'

/** What a new user gets wrong, in the order of the table in docs/doctor.md, which `npm run docs` writes from this. */
export type Entry = Readonly<{
  /** An error makes `doctor` exit with 1. */
  severity: 'error' | 'warning'
  /** For the table; what was seen stands in the finding itself. */
  mistake: string
  why: string
  set: string
}>

const OF_BASE = {
  configuration: {
    severity: 'error',
    mistake: 'The configuration is wrong',
    why: 'the service does not start with it',
    set: 'what the line says; docs/configuration.md has every variable'
  },
  'configuration-doubtful': {
    severity: 'warning',
    mistake: 'The configuration is allowed, and perhaps not meant (the warnings of `check`)',
    why: 'the service starts, and does something that few people want',
    set: 'what the line says; docs/configuration.md has every variable'
  },
  'authgear-dns': {
    severity: 'error',
    mistake: 'The name of Authgear does not resolve',
    why: 'every request that is not remembered is answered 503',
    set: 'AUTHGEAR_ENDPOINT (or AUTHGEAR_RESOLVER_URL) to a name that this machine knows; in a container it asks the ' +
      "container's DNS"
  },
  'authgear-unreachable': {
    severity: 'error',
    mistake: 'Nothing listens there, or the connection is cut',
    why: 'every request that is not remembered is answered 503',
    set: 'host and port of AUTHGEAR_ENDPOINT (or AUTHGEAR_RESOLVER_URL), https:// where it speaks TLS; network ' +
      'policies and firewalls must let this machine out'
  },
  'authgear-tls': {
    severity: 'error',
    mistake: 'Authgear\'s certificate is not trusted, not of this name, or ended; or the server speaks no TLS',
    why: 'nobody can tell who answers there, so every request that is not remembered is answered 503',
    set: "AUTHGEAR_CA_FILE to the authority's certificate where it is your own; the URL to a name that the " +
      'certificate holds, http:// for a server without TLS; or renew it'
  },
  'authgear-timeout': {
    severity: 'error',
    mistake: 'Authgear does not answer within AUTHGEAR_TIMEOUT',
    why: 'every request that is not remembered waits for that long and is answered 503',
    set: "the address first: a firewall that drops looks like this; then Authgear's database and Redis; " +
      'AUTHGEAR_TIMEOUT last'
  },
  'authgear-unknown-host': {
    severity: 'error',
    mistake: 'Authgear knows no project of that host (404, app not found)',
    why: 'Authgear chooses the project by the host, and for an unknown one every request is answered 503',
    set: 'AUTHGEAR_ENDPOINT to the project\'s public origin, as the portal shows it, character by character'
  },
  'authgear-endpoint-spelling': {
    severity: 'error',
    mistake: 'The same, and the endpoint has upper case or a port',
    why: 'Authgear compares host and port character by character; this service sends lower case, and a port that is ' +
      "not the scheme's own",
    set: 'AUTHGEAR_ENDPOINT without the port (where only this service uses it, put it into AUTHGEAR_RESOLVER_URL); ' +
      "the host in lower case, in the project's own configuration too"
  },
  'authgear-wrong-path': {
    severity: 'error',
    mistake: 'There is a server, and no resolver at that path (404, 405)',
    why: 'every request that is not remembered is answered 503',
    set: "AUTHGEAR_RESOLVER_URL: /_resolver/resolve on the public host, /resolve on the resolver's own port; or " +
      'leave it out'
  },
  'authgear-redirect': {
    severity: 'error',
    mistake: 'The resolver\'s address redirects',
    why: 'redirects are not followed, since they would carry credentials elsewhere: every request that is not ' +
      'remembered is answered 503',
    set: 'https:// instead of http://, the name that it redirects to, and no slash too many'
  },
  'authgear-fails': {
    severity: 'error',
    mistake: 'Authgear answers with an error (5xx, or another status)',
    why: 'every request that is not remembered is answered 503',
    set: 'nothing here: look at Authgear\'s log, its database and its Redis'
  },
  'authgear-not-resolver': {
    severity: 'error',
    mistake: 'Something answers that is not Authgear\'s resolver',
    why: 'its answers mean nothing: if it answers 200 with a page, everybody would count as signed out',
    set: 'AUTHGEAR_ENDPOINT, AUTHGEAR_RESOLVER_URL, and each proxy between: the resolver itself answers with an ' +
      'empty body'
  },
  'trust-proxy': {
    severity: 'error',
    mistake:
      'Authgear does not believe X-Forwarded-Proto (TRUST_PROXY), and is reached over another scheme than its ' +
        'public one',
    why: 'scheme and host are the audience of JWT access tokens: Authgear refuses every JWT, while cookies and ' +
      'opaque tokens work',
    set: 'TRUST_PROXY=true at Authgear\'s resolver; or AUTHGEAR_RESOLVER_URL with the scheme of AUTHGEAR_ENDPOINT'
  },
  'cookie-prefix': {
    severity: 'error',
    mistake: 'AUTHGEAR_COOKIE_PREFIX is not the project\'s `http.cookie_prefix`',
    why: 'this service finds no session cookie in any request: everybody who signed in by cookie is answered 401',
    set: 'AUTHGEAR_COOKIE_PREFIX to what the project has under `http.cookie_prefix`'
  },
  'cookie-host-only': {
    severity: 'warning',
    mistake: 'Authgear\'s cookies are for its own host alone (no `http.cookie_domain`)',
    why: 'a browser sends them to no other host, so that an app beside Authgear never sees anybody signed in by ' +
      'cookie; bearer tokens work',
    set: '`http.cookie_domain` at Authgear to the domain that Authgear and the apps share'
  },
  'cookie-domain': {
    severity: 'error',
    mistake: '`http.cookie_domain` does not cover the app\'s host (`--host`)',
    why: 'a browser does not send Authgear\'s cookies there: everybody is answered 401, or sent to log in for ever',
    set: '`http.cookie_domain` at Authgear to a domain that both hosts are in; or move the app to a host under it'
  },
  'cookie-missing': {
    severity: 'error',
    mistake: "No cookie of Authgear's in the pasted header",
    why: "the browser sends none: `http.cookie_domain` does not cover the app's host, the " +
      'person is not signed in, or the client suppresses session cookies',
    set: '`http.cookie_domain` at Authgear; paste the header of a request to the app, not to Authgear'
  },
  'cookie-refused': {
    severity: 'error',
    mistake: 'Authgear does not accept the pasted cookies',
    why: 'the session ended, or is another project\'s: requests with them get 401',
    set: 'AUTHGEAR_ENDPOINT to the project that made them; or sign in again and paste once more'
  },
  'cookie-foreign': {
    severity: 'error',
    mistake: "Another cookie has the name of Authgear's (an app's own `session`)",
    why: 'the first of a name counts, here and at Authgear: with the other one in front everybody is answered 401, ' +
      'and a login changes nothing',
    set: '`http.cookie_prefix` of the project to something of its own, and AUTHGEAR_COOKIE_PREFIX to the same; or ' +
      'the app\'s cookie to another name'
  },
  'token-expired': {
    severity: 'warning',
    mistake: 'The pasted token has expired',
    why: 'it says nothing about the set-up: any Authgear would refuse it',
    set: 'paste a fresh one'
  },
  'jwt-audience': {
    severity: 'error',
    mistake: 'The pasted JWT is for another audience than AUTHGEAR_ENDPOINT',
    why: 'A request with it is answered 401 (wrong_audience), even beside a valid session: a token for one API must ' +
      'not open every app',
    set: "AUTHGEAR_ENDPOINT to the audience of the token, where that is your project's public origin; else a token " +
      'of your own project'
  },
  'token-for-resource': {
    severity: 'error',
    mistake: 'The pasted token is for a resource (a machine\'s, or an agent\'s), and no session',
    why: '/verify answers it 401 (wrong_audience), and no sign-in changes that: a token for one API must not open ' +
      'every app',
    set: 'its audience in RESOURCES, and /resource in place of /verify on the routes of that API ' +
      '(docs/resource-tokens.md); nothing where the API verifies its tokens itself'
  },
  'jwt-refused': {
    severity: 'error',
    mistake: 'Authgear refuses the pasted JWT, although it is in force and for this endpoint',
    why: "Authgear sees another scheme or host than the token's; or the token was revoked, or " +
      'is no access token',
    set: "TRUST_PROXY=true at Authgear's resolver, and each proxy between must keep Host and X-Forwarded-Proto; " +
      'then a fresh token'
  },
  'token-refused': {
    severity: 'error',
    mistake: 'Authgear does not accept the pasted token',
    why: 'it ended, was revoked, is of another project, is an opaque one of a third-party client, which Authgear ' +
      'takes at /oauth2/userinfo alone, or is no access token (refresh tokens and ID tokens are none)',
    set: 'AUTHGEAR_ENDPOINT to the project that made it; a fresh access token; or, for a third-party client, one ' +
      'with a `resource` (docs/resource-tokens.md)'
  },
  'authgear-address': {
    severity: 'warning',
    mistake: "Authgear does not see people's addresses (`--token-stdin`, with the Admin API)",
    why: 'with LOGIN_SESSION=own all sign-ins and refreshes of the site share the 120 calls a minute that Authgear ' +
      "takes from one address, and people's settings show one address for every session",
    set: 'TRUST_PROXY=true at Authgear, and each proxy in front of it to pass X-Forwarded-For on ' +
      '(docs/login.md#authgears-limit-of-calls)'
  },
  'clock-off': {
    severity: 'error',
    mistake: 'This machine\'s clock and Authgear\'s are more than a minute apart',
    why: 'tokens in force count as ended, `max_age` policies are wrong, and the Admin API refuses our token from ' +
      'five minutes on',
    set: 'time synchronisation (NTP) on both machines'
  },
  'clock-drifts': {
    severity: 'warning',
    mistake: 'The two clocks are more than ten seconds apart; with RESOURCES or ASSERTION, five',
    why: '`max_age` policies are wrong by as much, resource tokens are refused, and assertions by apps',
    set: 'time synchronisation (NTP) on both machines'
  },
  'certificate-ended': {
    severity: 'error',
    mistake: 'The certificate of our own listener has ended, or cannot be used',
    why: 'a proxy that checks it refuses every request',
    set: 'LISTEN_TLS_CERT_FILE and LISTEN_TLS_KEY_FILE to new ones (they are read again by themselves); `cert ' +
      '--watch` renews its own'
  },
  'certificate-ends-soon': {
    severity: 'warning',
    mistake: 'A certificate (ours or Authgear\'s) has less than a sixth of its life left',
    why: 'it was not renewed in time; when it expires, every request fails',
    set: 'look at the program that renews it'
  },
  'idle-timeout': {
    severity: 'error',
    mistake: 'Authgear\'s idle time-out (`--idle-timeout`) is not above CACHE_TTL',
    why: 'while a session is remembered Authgear does not see it used, and may end it although its owner is active',
    set: 'CACHE_TTL well below `session.idle_timeout_seconds`, a tenth of it, or less'
  },
  'redis-dns': {
    severity: 'error',
    mistake: 'The name of Redis does not resolve',
    why: 'replicas share nothing: every answer comes from memory or from Authgear, and a revocation reaches one ' +
      'replica',
    set: 'REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER to names that this machine knows'
  },
  'redis-unreachable': {
    severity: 'error',
    mistake: 'Redis cannot be reached, or does not answer',
    why: 'replicas share nothing: every answer comes from memory or from Authgear, and a revocation reaches one ' +
      'replica',
    set: 'host and port in REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER; rediss:// or REDIS_TLS exactly where the ' +
      'server speaks TLS'
  },
  'redis-tls': {
    severity: 'error',
    mistake: 'Redis\' certificate is not trusted, not of this name, or ended; or the server speaks no TLS',
    why: 'Redis is not used',
    set: "REDIS_CA_FILE to the authority's certificate where it is your own; names that the certificate holds; " +
      'redis:// for a server without TLS'
  },
  'redis-password': {
    severity: 'error',
    mistake: 'Redis refuses the user or the password, or asks for one',
    why: 'Redis is not used',
    set: 'REDIS_USERNAME and REDIS_PASSWORD (REDIS_SENTINEL_PASSWORD for the Sentinels); no password for a server ' +
      'without one'
  },
  'redis-sentinel': {
    severity: 'error',
    mistake: 'No Sentinel answers, not more than half of them do, or one knows no master of that name',
    why: 'Redis is not used before more than half of those listed have named its master',
    set: 'REDIS_SENTINELS to the Sentinels\' own ports (26379), REDIS_SENTINEL_NAME to their name for the master'
  },
  'redis-form': {
    severity: 'error',
    mistake: 'A Cluster under REDIS_URL, or a single server under REDIS_CLUSTER',
    why: 'most keys are refused, and Redis is not used',
    set: 'REDIS_CLUSTER for a Cluster; REDIS_URL for one server'
  },
  'redis-rights': {
    severity: 'error',
    mistake: 'The user of Redis lacks a right',
    why: 'without it entries are not shared, or revocations are not',
    set: 'the rights that docs/redis.md prints, for the keys of REDIS_KEY_PREFIX'
  },
  'redis-read-only': {
    severity: 'error',
    mistake: 'The address leads to a replica of Redis',
    why: 'nothing can be written, so Redis is not used',
    set: 'the address of the master; or REDIS_SENTINELS, which find it'
  },
  'redis-full': {
    severity: 'error',
    mistake: 'Redis has no memory left',
    why: 'nothing new is shared, so that each replica asks Authgear for itself; revocations are still written and read',
    set: 'a larger maxmemory, or a Redis of its own; docs/operations.md says how much is needed'
  },
  'redis-evicts': {
    severity: 'error',
    mistake: 'Redis evicts keys that never expire (maxmemory-policy allkeys-…)',
    why: 'the revocation log may be evicted: each time everything remembered is dropped, and soon Redis is not used ' +
      'for ten minutes',
    set: 'maxmemory-policy noeviction, volatile-lru or volatile-ttl'
  },
  'redis-forgets': {
    severity: 'warning',
    mistake: 'With RESOURCES or LOGIN_SESSION=own, Redis keeps nothing on disk',
    why: 'when it restarts together with all replicas, each blocked client is let in again; with LOGIN_SESSION=own ' +
      'each person is sent to Authgear and back once, and a form that is being filled in is lost',
    set: 'appendonly yes at Redis, and a volume for its files; CLIENTS_BLOCKED for clients that must stay blocked ' +
      '(docs/redis.md)'
  },
  'redis-replicas': {
    severity: 'warning',
    mistake: 'REDIS_URL leads to a master with two Redis replicas or more',
    why: 'when the master is cut off together with one of them and another takes over, nothing tells this to our ' +
      'replicas on its side: they accept revoked sessions until CACHE_TTL, resource tokens until their exp',
    set: 'REDIS_SENTINELS, or REDIS_CLUSTER, which say who is master; nothing where the provider of one address ends ' +
      'connections at a failover'
  },
  'redis-log-long': {
    severity: 'warning',
    mistake: 'The revocation log is longer than it has to be',
    why: 'it takes the memory of the cache, and a replica that starts reads all of it first',
    set: 'the rights of docs/redis.md, by which each replica trims it; DEL of its two keys empties it: a cold cache'
  },
  'redis-slow': {
    severity: 'warning',
    mistake: 'Redis takes more than half of REDIS_TIMEOUT to answer',
    why: 'where Redis is too late this service asks Authgear, so the cache helps less',
    set: 'a Redis nearer to this machine; or a longer REDIS_TIMEOUT'
  },
  'redis-too-slow': {
    severity: 'error',
    mistake: 'Redis takes longer than REDIS_TIMEOUT',
    why: 'every answer is asked of Authgear, and each waits for Redis first',
    set: 'a Redis nearer to this machine; or a longer REDIS_TIMEOUT'
  },
  'redis-cluster': {
    severity: 'error',
    mistake: 'The Cluster has slots that no server has',
    why: 'keys in them are asked of Authgear each time; where they hold the revocation log, Redis is not used at all',
    set: 'the Cluster in order (redis-cli --cluster check); cluster-require-full-coverage no'
  },
  'cache-secret': {
    severity: 'error',
    mistake: 'A replica that runs has another CACHE_SECRET than this one',
    why: 'neither can read the other\'s entries. Each reads the other\'s revocations as "everything", but for those ' +
      'of a user',
    set: 'the same CACHE_SECRET on every replica; to change it, CACHE_SECRET_PREVIOUS beside it (docs/runbook.md, ' +
      '"Rotate a secret")'
  },
  rotation: {
    severity: 'warning',
    mistake: 'A secret is being rotated (X_PREVIOUS is set, and still needed)',
    why: 'without X_PREVIOUS the cache is cold, logins under way have to start again, or webhooks are 401',
    set: 'nothing yet: ask again later, and then leave X_PREVIOUS out (docs/runbook.md, "Rotate a secret")'
  },
  'rotation-over': {
    severity: 'warning',
    mistake: 'A secret was rotated, and X_PREVIOUS is still set',
    why: 'until then the old secret still opens entries, and each read of Redis asks for two',
    set: 'leave X_PREVIOUS out, on all replicas'
  },
  'webhook-unseen': {
    severity: 'warning',
    mistake: 'AUTHGEAR_WEBHOOK_SECRET is set, and no signed webhook arrived within 30 days',
    why: 'a disabled or deleted user is noticed only after CACHE_TTL',
    set: '`hook.non_blocking_handlers` at Authgear to this service\'s /webhook with events "*"; the log says where a ' +
      'signature was wrong'
  },
  'webhook-secret': {
    severity: 'warning',
    mistake: 'The newest webhook was signed with another secret than AUTHGEAR_WEBHOOK_SECRET',
    why: "with a secret that is not the project's every webhook is answered 401: a disabled or deleted user is " +
      'noticed only after CACHE_TTL',
    set: "AUTHGEAR_WEBHOOK_SECRET to the project's, on all replicas; after a change of both, the next webhook ends this"
  },
  'token-keys': {
    severity: 'error',
    mistake: 'The keys by which Authgear signs tokens cannot be fetched',
    why: 'every resource token is answered 503; the resolver alone is not enough for them',
    set: 'AUTHGEAR_ENDPOINT to an address that this machine reaches too, AUTHGEAR_CA_FILE for an authority of your own'
  },
  issuer: {
    severity: 'error',
    mistake: 'AUTHGEAR_ENDPOINT is not the issuer that Authgear names',
    why: 'every resource token and every JWT names that issuer, and none would be accepted',
    set: 'AUTHGEAR_ENDPOINT to the issuer, character by character; https:// where the project has it'
  },
  'public-sign-up': {
    severity: 'warning',
    mistake: 'Anyone can register at this Authgear project (its default)',
    why: 'a route without a policy lets in everybody who is signed in, and everybody can be',
    set: 'ALLOW, such as ALLOW=role=staff, or ALLOW=anyone if that is what you want (docs/policies.md, ' +
      '"Who may enter"); or sign-up off at Authgear (docs/portal.md, "Who can register")'
  },
  'app-unreachable': {
    severity: 'error',
    mistake: 'The app does not answer at `--url`',
    why: 'doctor cannot say whether the proxy protects it',
    set: '--url to the address that browsers use, from a machine that can reach it'
  },
  'app-certificate': {
    severity: 'error',
    mistake: 'The certificate at `--url` is of an authority that is not known here',
    why: 'doctor says nothing of the proxy before it trusts its certificate',
    set: 'NODE_EXTRA_CA_CERTS=/path/ca.pem in the environment of this command; the certificates of AUTHGEAR_CA_FILE ' +
      'are believed here too'
  },
  'app-open': {
    severity: 'error',
    mistake: 'The app answers a stranger (`--url`, `--echo`)',
    why: 'that page is not protected: no route of the proxy asks this service, or a port of the app is open to all',
    set: 'the configuration that `snippet` prints for your proxy; no published port at the app; another page at ' +
      '--echo where this one is meant to be public'
  },
  'port-open': {
    severity: 'error',
    mistake: 'Another port of the host of `--url` answers a stranger',
    why: 'no one checks who asks there, and an app that believes identity headers believes everybody',
    set: 'no published port at the app, or one of 127.0.0.1 only (docs/exposed-ports.md)'
  },
  'port-own': {
    severity: 'warning',
    mistake: 'A listener of this service can be reached past the proxy',
    why: 'the main one believes X-Forwarded-For of a peer in TRUSTED_PROXIES, and Docker may show strangers as one; ' +
      'the other one shows metrics',
    set: 'no published port at this service, or one of 127.0.0.1 only (docs/exposed-ports.md)'
  },
  'identity-forged': {
    severity: 'error',
    mistake: "A client's own identity header reaches the app",
    why: 'an app that believes the header believes any client: a client that sends it is that user',
    set: 'the configuration that `snippet` prints for your proxy, with --identity as IDENTITY_HEADERS has it'
  },
  'identity-unused': {
    severity: 'warning',
    mistake: "A client's own header of a name that IDENTITY_HEADERS and ASSERTION do not send reaches the app",
    why: 'an app that believes the name believes any client; no harm where no app behind this proxy does',
    set: 'the configuration that `snippet` prints for your proxy, or the files of the Compose stacks: they strip ' +
      'every such name'
  },
  'app-refuses': {
    severity: 'warning',
    mistake: 'The app is not reached with the pasted session (`--url`, `--echo`)',
    why: 'doctor cannot see which headers it gets',
    set: 'paste a session that may open that page; --echo to another page'
  },
  'app-no-echo': {
    severity: 'warning',
    mistake: 'The page at `--echo` shows no headers',
    why: 'doctor cannot see which headers reach the app',
    set: '--echo to a page that shows them; traefik/whoami shows all of its headers'
  },
  'identity-missing': {
    severity: 'error',
    mistake: 'The identity does not reach the app',
    why: 'the app knows no user',
    set: 'the headers that the proxy copies from this service: the configuration that `snippet` prints copies all'
  },
  unforeseen: {
    severity: 'error',
    mistake: 'A check itself failed',
    why: 'doctor cannot say whether this is in order',
    set: 'nothing: please report it'
  }
} as const satisfies Record<string, Entry>

const OF_PARTS = Object.fromEntries(
  parts.flatMap(({ findings }) => findings).map(({ id, ...entry }) => [id, entry])
) as Readonly<Record<PartFindingId, Entry>>

export const CATALOGUE: Readonly<Record<FindingId, Entry>> = Object.freeze({ ...OF_BASE, ...OF_PARTS })

export type FindingId = keyof typeof OF_BASE | PartFindingId

export type Finding = Readonly<{ id: FindingId, what: string }> & Pick<Entry, 'severity' | 'why' | 'set'>

/** Said of a token's audience. */
export const NOT_A_RESOURCE = 'which RESOURCES does not hold'

/** @param what was seen: hosts, ports, codes and numbers, never anything of a credential or a secret */
export function found (id: FindingId, what: string): Finding {
  const { severity, why, set } = CATALOGUE[id]
  return { id, severity, what, why, set }
}
