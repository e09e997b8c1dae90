// Frames of HTTP/2 (RFC 9113) as grpc.mjs writes and reads them.

export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check'
export const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY] = [0, 1, 3, 4, 6, 7]
const WINDOW_UPDATE = 8
export const [ACK, END_STREAM, END_HEADERS] = [1, 1, 4]
const HEAD_BYTES = 9

const text = (value) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)])

/** The head of a connection's first call (HPACK, RFC 7541), which puts its four texts into the table. */
export const firstHead = (authority) => Buffer.concat([
  Buffer.of(0x83, 0x86, 0x44), text(CHECK_PATH), Buffer.of(0x41), text(authority),
  Buffer.of(0x5f), text('application/grpc'), Buffer.of(0x40), text('te'), text('trailers')
])
/** The head of each later one, which names them by their places there. */
export const AGAIN = Buffer.of(0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe)

/** A message of gRPC as it is in DATA: not compressed, and its length. */
export function framed (message) {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** @param take gets each whole frame */
export function framesTo (take) {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let from = 0
    while (from + HEAD_BYTES <= all.length) {
      const end = from + HEAD_BYTES + all.readUIntBE(from, 3)
      if (end > all.length) break
      take(all[from + 3], all[from + 4], all.readUInt32BE(from + 5), all.subarray(from + HEAD_BYTES, end))
      from = end
    }
    rest = all.subarray(from)
  }
}

export function frame (type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** The window of the connection is as large as can be: no run receives so much. */
export function connectionStart () {
  const window = Buffer.alloc(4)
  window.writeUInt32BE(2 ** 31 - 1 - 65_535)
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, window)
  ])
}
