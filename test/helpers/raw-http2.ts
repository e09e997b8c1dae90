import { connect, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { connectionStart, decodeStatus, GOAWAY, HEADERS, readFrames, RST_STREAM, type Field } from './http2-frames.ts'

/**
 * One HTTP/2 request with header lines as they are, for what Node's client refuses to send.
 * @returns the status; rejects where the stream is refused
 */
export async function statusOverHttp2 (
  port: number,
  ca: string,
  path: string,
  lines: readonly Field[],
  method = 'GET'
): Promise<number> {
  const socket = connect({ port, host: 'localhost', ca, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  try {
    socket.write(
      connectionStart([[':method', method], [':scheme', 'https'], [':path', path], [':authority', 'x'], ...lines])
    )
    return await readStatus(socket)
  } finally {
    socket.destroy()
  }
}

async function readStatus (socket: TLSSocket): Promise<number> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    for (const { type, payload } of readFrames(bytes)) {
      if (type === HEADERS) return decodeStatus(payload)
      if (type === RST_STREAM || type === GOAWAY) throw new Error('refused without an answer')
    }
  }
  throw new Error('closed without an answer')
}
