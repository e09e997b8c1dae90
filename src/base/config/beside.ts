import { isIPv6 } from 'node:net'
import type { ListenAddress } from './kind.ts'

/** The URL of a listener of the same machine, for commands that ask the service. */
export function originBeside ({ host, port }: Extract<ListenAddress, { kind: 'tcp' }>): string {
  const name = reachable(host)
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`
}

/** An address that means "all of them" cannot be asked everywhere. */
export function reachable (host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}
