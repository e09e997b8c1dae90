import type { RequestListener, Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { HTTP1_OPTIONS, HTTP2_OPTIONS } from './limits.ts'
import { createServer } from './node-http.ts'
import { serverContextOf, type TlsMaterial } from './tls.ts'

type SecureListener = Parameters<typeof createSecureServer>[1]

/**
 * Node's server of a listener; one of HTTP/2 has the members of HTTP/1.1's that are used here. `trackConnections` ends
 * its sessions: Node's own time-out would keep each in memory until it fires, even one that has ended.
 * @param tls undefined: plain HTTP/1.1
 */
export function serverOf (tls: TlsMaterial | undefined, answer: RequestListener): Server {
  if (tls === undefined) return createServer(HTTP1_OPTIONS, answer)
  const server = createSecureServer({ ...HTTP2_OPTIONS, ...serverContextOf(tls) }, answer as unknown as SecureListener)
  return server as unknown as Server
}
