import type { Proxy } from './proxy.ts'

export const caddy: Proxy = {
  server: 'caddy',
  shipped: 'caddy',
  args: ['run', '--config', 'Caddyfile'],
  tls: false,
  facts: {
    methodAtAdapter: 'GET',
    adapterDown: 502,
    passesRefusals: true,
    unlistedPasses: false,
    connectionHidesCookie: false,
    cleaned: {},
    otherHost: 421,
    connections: 32
  }
}

export const nginx: Proxy = {
  server: 'nginx',
  shipped: 'nginx',
  // one process, so that stopping it leaves no worker behind
  args: ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;'],
  tls: false,
  between: ' fail_timeout=1s; server ',
  facts: {
    methodAtAdapter: 'HEAD',
    adapterDown: 503,
    passesRefusals: false,
    unlistedPasses: true, // stock nginx can clear the names that it knows only: docs/proxies/nginx.md
    connectionHidesCookie: false,
    cleaned: {},
    otherHost: 421,
    connections: 32
  }
}

/** Over TLS with HTTP/2. */
export const traefik: Proxy = {
  server: 'traefik',
  shipped: 'traefik',
  args: ['--configFile=traefik.yml'],
  tls: true,
  facts: {
    methodAtAdapter: 'GET',
    adapterDown: 500,
    passesRefusals: true,
    unlistedPasses: false,
    connectionHidesCookie: true,
    // it cleans a path, and sends on what it judged
    cleaned: {
      '/x/../admin/z': '/admin/z',
      '//admin/z': '/admin/z',
      '/./admin/z': '/admin/z',
      '/x/%2e%2e/admin/z': '/admin/z',
      '/admin/../p': '/p',
      '/%61dmin/z': '/admin/z'
    },
    otherHost: 404,
    connections: 2
  }
}

const { connections: _, ...unbounded } = traefik.facts

/** Over plain HTTP it opens a new connection for most checks. */
export const traefikPlain: Proxy = { ...traefik, paths: { 'filename: dynamic.yml': 'filename: dynamic-plain.yml' }, tls: false, facts: unbounded }
