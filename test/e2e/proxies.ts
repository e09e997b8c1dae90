import type { Facts, Proxy } from './proxy.ts'

/** Of the proxies that clean a path and send on what they judged. */
const CLEANED = {
  '/x/../admin/z': '/admin/z',
  '//admin/z': '/admin/z',
  '///admin': '/admin',
  '/./admin/z': '/admin/z',
  '/x/%2e%2e/admin/z': '/admin/z',
  '/x/%2E./admin/z': '/admin/z',
  '/admin/../p': '/p',
  '/%61dmin/z': '/admin/z'
}

/** What most of them do. */
const USUAL: Facts = {
  methodAtAdapter: 'GET',
  urlAtAdapter: /^\/verify$/,
  ownRequestId: false,
  adapterDown: 503,
  adapterHangs: 503,
  hangSeconds: 5,
  passesRefusals: true,
  unlistedPasses: false,
  hidesOwnCookie: true,
  connectionHidesCookie: false,
  connectionNamesForwarded: 200,
  cleaned: {},
  refusesEscapedLetters: false,
  otherHost: 421,
  twoAuthorizations: 401,
  announcesTrailers: false,
  firstUpgradeOnly: false,
  connections: 32
}

export const caddy: Proxy = {
  server: 'caddy',
  snippet: 'caddy',
  column: 'Caddy',
  args: ['run', '--config', 'Caddyfile'],
  tls: false,
  facts: {
    ...USUAL,
    // Go dials for a client that waits, and a connection that came free may serve it meanwhile
    connections: 64,
    urlAtAdapter: /^\/verify\??$/,
    adapterDown: 502,
    adapterHangs: 504,
    announcesTrailers: true
  }
}

export const nginx: Proxy = {
  server: 'nginx',
  snippet: 'nginx',
  column: 'nginx',
  // one process, so that stopping it leaves no worker behind
  args: ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;'],
  tls: false,
  between: ' fail_timeout=1s; server ',
  facts: {
    ...USUAL,
    methodAtAdapter: 'HEAD',
    urlAtAdapter: /^\/verify\?login=off$/,
    passesRefusals: false,
    unlistedPasses: true, // stock nginx can clear the names that it knows only: docs/proxies/nginx.md
    twoAuthorizations: 400
  }
}

/** Over TLS with HTTP/2. */
export const traefik: Proxy = {
  server: 'traefik',
  snippet: 'traefik',
  column: 'Traefik',
  args: ['--configFile=traefik.yml'],
  tls: true,
  facts: {
    ...USUAL,
    adapterDown: 500,
    adapterHangs: undefined,
    hangSeconds: 30, // which cannot be set
    hidesOwnCookie: false, // a value cannot be edited without a plugin
    connectionHidesCookie: true,
    cleaned: CLEANED,
    otherHost: 404,
    announcesTrailers: true,
    firstUpgradeOnly: true,
    connections: 2
  }
}

const { connections: _, ...unbounded } = traefik.facts
const { column: __, ...withoutColumn } = traefik

/** Over plain HTTP it opens a new connection for most checks. */
export const traefikPlain: Proxy = { ...withoutColumn, tls: false, facts: unbounded }

export const envoy: Proxy = {
  server: 'envoy',
  snippet: 'envoy',
  column: 'Envoy',
  // hot restart wants the machine's shared memory for itself
  args: ['-c', 'envoy.yaml', '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'],
  tls: false,
  facts: {
    ...USUAL,
    methodAtAdapter: 'client',
    ownRequestId: true,
    connectionHidesCookie: true,
    connectionNamesForwarded: 400,
    cleaned: { '//admin/z': '/admin/z', '///admin': '/admin' },
    refusesEscapedLetters: true,
    otherHost: 404,
    connections: 64
  }
}

const { column: ___, ...envoyWithoutColumn } = envoy

/** As Envoy before 1.38 asks. */
export const envoyPrefix: Proxy = {
  ...envoyWithoutColumn,
  snippet: 'envoy-prefix',
  facts: { ...envoy.facts, urlAtAdapter: /^\/ext-authz\/~\/page\?role=none&optional=1$/ }
}

/** By gRPC. */
export const envoyGrpc: Proxy = { ...envoyWithoutColumn, snippet: 'envoy-grpc', grpc: true }

export const haproxy: Proxy = {
  server: 'haproxy',
  snippet: 'haproxy',
  column: 'HAProxy',
  args: ['-f', 'haproxy.cfg'],
  tls: false,
  facts: {
    ...USUAL,
    hangSeconds: 10,
    cleaned: CLEANED
  }
}

/** One for each configuration that is run. */
export const ALL: readonly Proxy[] = [traefik, caddy, nginx, envoy, haproxy]

/** With Envoy's other ways to ask. */
export const EVERY_WAY: readonly Proxy[] = [...ALL, envoyPrefix, envoyGrpc]
