import type { Proxy } from './proxy.ts'

/** Traefik cleans a path and sends on what it judged. */
const CLEANED = {
  '/x/../admin/z': '/admin/z',
  '//admin/z': '/admin/z',
  '/./admin/z': '/admin/z',
  '/x/%2e%2e/admin/z': '/admin/z',
  '/admin/../p': '/p',
  '/%61dmin/z': '/admin/z'
}

export const traefik: Omit<Proxy, 'tls'> = {
  server: 'traefik',
  shipped: 'traefik',
  args: ['--configFile=traefik.yml'],
  facts: {
    adapterDown: 500,
    passesRefusals: true,
    unlistedPasses: false,
    connectionHidesCookie: true,
    cleaned: CLEANED,
    otherHost: 404
  }
}
