import type { RequestListener, Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { HTTP1_OPTIONS, HTTP2_OPTIONS, KEEP_ALIVE_MS } from './limits.ts'
import { createServer } from './node-http.ts'
import { serverContextOf, type TlsMaterial } from './tls.ts'

type SecureListener = Parameters<typeof createSecureServer>[1]

/**
 * Node's server of a listener; one of HTTP/2 has the members of HTTP/1.1's that are used here.
 * @param tls undefined: plain HTTP/1.1
 */
export function serverOf (tls: TlsMaterial | undefined, answer: RequestListener): Server {
  if (tls === undefined) return createServer(HTTP1_OPTIONS, answer)
  const server = createSecureServer({ ...HTTP2_OPTIONS, ...serverContextOf(tls) }, answer as unknown as SecureListener)
  server.on('session', (session) => session.setTimeout(KEEP_ALIVE_MS, () => session.close()))
  return server as unknown as Server
}
