const PROTOCOL = '(?:TCP|UDP|SCTP)'

/** What Kubernetes and Docker links set for a service or container of any name, by the end of the variable's name. */
const FORMS: readonly RegExp[] = [
  /_SERVICE_HOST$/,
  /_SERVICE_PORT(?:_[A-Z0-9_]+)?$/,
  new RegExp(`_PORT_\\d+_${PROTOCOL}(?:_(?:PROTO|ADDR|PORT|START|END|PORT_START|PORT_END))?$`),
  /_ENV_/
]

// with LISTEN_PID… by socket activation, CACHE_DIRECTORY by CacheDirectory=
const SYSTEMD: ReadonlySet<string> = new Set(['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID', 'CACHE_DIRECTORY'])

/**
 * Whether Kubernetes, Docker or systemd set this variable, not a person: `REDIS_SERVICE_HOST`, `AUTHGEAR_RESOLVER_PORT=tcp://…`, `CACHE_NAME`.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables, https://docs.docker.com/engine/network/links/
 */
export function isInjected (name: string, value: string): boolean {
  if (SYSTEMD.has(name) || FORMS.some(form => form.test(name))) return true
  if (name.endsWith('_PORT')) return /^(?:tcp|udp|sctp):\/\//i.test(value)
  // a link's own name, `/web/redis`; of a service called like a prefix whatever it says
  return /^[A-Z]+_NAME$/.test(name) || (name.endsWith('_NAME') && value.startsWith('/'))
}
