import { isIPv4, isIPv6 } from 'node:net'
import { posix } from 'node:path'
import { type Kind, parsed, type Parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'
import type { ListenAddress } from '../types.ts'

// sun_path of Linux holds 108 bytes with the closing zero
const LONGEST_SOCKET_PATH = 107
const FORMS = 'write host:port, [IPv6]:port or unix:/path'

function unix (text: string): Parsed<ListenAddress> {
  const path = text.slice('unix:'.length)
  if (!path.startsWith('/')) return problem(`${quote(text)} needs an absolute path after unix:`)
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) return problem(`the socket's path is longer than ${LONGEST_SOCKET_PATH} bytes`)
  return parsed({ kind: 'unix', path: posix.normalize(path) }, text)
}

/** A name or an IPv4 address. */
export function isHost (host: string): boolean {
  // digits and dots only must be a real IPv4 address, or 256.0.0.1 would be looked up as a name
  if (/^[\d.]+$/.test(host)) return isIPv4(host)
  return /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(host)
}

function tcp (text: string): Parsed<ListenAddress> {
  if (/^:?\d+$/.test(text)) return problem(`${quote(text)} lacks a host: write 0.0.0.0:${text.replace(':', '')} for every interface`)
  const [, v6, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? name
  if (host === undefined || digits === undefined) return problem(`${quote(text)} is not an address: ${FORMS}`)
  if (v6 === undefined ? !isHost(host) : !isIPv6(host)) return problem(`${quote(text)} has no valid host: ${FORMS}`)
  const port = Number(digits)
  if (port > 65_535) return problem(`${quote(text)} has a port above 65535`)
  return parsed({ kind: 'tcp', host, port }, text)
}

export const listenAddress: Kind<ListenAddress> = Object.freeze({
  accepts: '`host:port`, `[IPv6]:port` or `unix:/path`',
  parse: (text: string) => text.startsWith('unix:') ? unix(text) : tcp(text)
})
