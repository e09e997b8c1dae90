import { isIP } from 'node:net'
import type { FastifyReply, onRequestHookHandler } from 'fastify'

/** `machine`: this machine's own name. `hosts`: MANAGEMENT_HOSTS. */
export type OwnNames = Readonly<{ machine: string, hosts: readonly string[] }>

/**
 * Tells if a page may be shown under that name: an address, this machine's own name (whole, or its first part), or one
 * of MANAGEMENT_HOSTS. By any other name a hostile site could have pointed itself here (DNS rebinding) and read the
 * page as its own.
 * @param allowed lower case; `*.example.com` stands for every name below
 */
export function isOwnHost (header: string | undefined, machine: string, allowed: readonly string[]): boolean {
  const [, v6, name] = /^(?:\[([^\]]*)\]|([\w-]+(?:\.[\w-]+)*\.?))(?::\d{1,5})?$/.exec(header ?? '') ?? []
  if (v6 !== undefined) return isIP(v6) === 6
  if (name === undefined) return false
  if (isIP(name) === 4) return true
  const host = name.toLowerCase().replace(/\.$/, '')
  const [own, short] = [machine.toLowerCase(), machine.toLowerCase().split('.')[0]]
  return (
    ['localhost', own, short].includes(host) || host.endsWith('.localhost') || allowed.some((one) => matches(host, one))
  )
}

const matches = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : host === pattern

/** Refuses requests under a name that is not this machine's. */
export const ownHostsOnly = ({ machine, hosts }: OwnNames): onRequestHookHandler => ({ headers }, reply, done) => {
  if (isOwnHost(headers.host, machine, hosts)) done()
  else refuseHost(reply)
}

/**
 * Refuses a page whose name was made to lead here: it is of the same site for its browser, which names the page's host.
 * Every browser sends Accept-Language, and no page can keep it from doing so; Prometheus and probes come by any name
 * without it.
 */
export const browsersByOwnHosts = ({ machine, hosts }: OwnNames): onRequestHookHandler =>
  ({ headers }, reply, done) => {
    if (headers['accept-language'] === undefined || isOwnHost(headers.host, machine, hosts)) done()
    else refuseHost(reply)
  }

function refuseHost (reply: FastifyReply): void {
  const text =
    'This page is not available under this host name: use an IP address, or add the name to MANAGEMENT_HOSTS.\n'
  reply.code(403).type('text/plain; charset=utf-8').send(text)
}
