import { connect, type TLSSocket } from 'node:tls'
import { once } from 'node:events'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const HEADERS = 0x1
const RST_STREAM = 0x3
const SETTINGS = 0x4
const GOAWAY = 0x7
const CONTINUATION = 0x9
const END_STREAM = 0x1
const END_HEADERS = 0x4
/** Bytes of the longest frame that a peer must take. */
const MAX_FRAME = 16_384

/** One HTTP/2 request with header lines as they are, for what Node's client refuses to send. @returns the status; rejects where the stream is refused */
export async function statusOverHttp2 (port: number, ca: string, path: string, lines: ReadonlyArray<readonly [string, string]>, method = 'GET'): Promise<number> {
  const socket = connect({ port, host: 'localhost', ca, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  try {
    const block = [[':method', method], [':scheme', 'https'], [':path', path], [':authority', 'x'], ...lines] as const
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...headFrames(Buffer.concat(block.map(literal)))]))
    return await readStatus(socket)
  } finally {
    socket.destroy()
  }
}

function frame (type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header block as one HEADERS frame and as many CONTINUATIONs as it takes. */
function headFrames (block: Buffer): Buffer[] {
  const parts = Array.from({ length: Math.max(1, Math.ceil(block.length / MAX_FRAME)) }, (_, i) => block.subarray(i * MAX_FRAME, (i + 1) * MAX_FRAME))
  return parts.map((part, i) => frame(i === 0 ? HEADERS : CONTINUATION, (i === 0 ? END_STREAM : 0) | (i === parts.length - 1 ? END_HEADERS : 0), 1, part))
}

/** RFC 7541, 6.2.2: literal, not indexed, new name, no Huffman. */
function literal ([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.of(0), ...[name, value].flatMap(text => [lengthOf(text), Buffer.from(text, 'latin1')])])
}

/** RFC 7541, 5.1: an integer with a prefix of 7 bits. */
function lengthOf ({ length }: string): Buffer {
  if (length < 127) return Buffer.of(length)
  const bytes = [127]
  let rest = length - 127
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** `:status` is the first field of the answer: indexed (RFC 7541, appendix A), or a literal with its name indexed. */
async function readStatus (socket: TLSSocket): Promise<number> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    for (let at = 0; at + 9 <= bytes.length && at + 9 + bytes.readUIntBE(at, 3) <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === HEADERS) return decodeStatus(bytes.subarray(at + 9))
      if (bytes[at + 3] === RST_STREAM || bytes[at + 3] === GOAWAY) throw new Error('refused without an answer')
    }
  }
  throw new Error('closed without an answer')
}

function decodeStatus (block: Buffer): number {
  const indexed: Record<number, number> = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 }
  const first = block[0] ?? 0
  if ((first & 0x80) !== 0) return indexed[first & 0x7f] ?? 0
  const length = (block[1] ?? 0) & 0x7f
  const text = block.subarray(2, 2 + length)
  return ((block[1] ?? 0) & 0x80) !== 0 ? decodeDigits(text) : Number(text.toString('latin1'))
}

/** Huffman codes of the digits (RFC 7541, appendix B). */
function decodeDigits (bytes: Buffer): number {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const codes: Record<string, string> = { '00000': '0', '00001': '1', '00010': '2', '011001': '3', '011010': '4', '011011': '5', '011100': '6', '011101': '7', '011110': '8', '011111': '9' }
  let digits = ''
  for (let at = 0; digits.length < 3;) {
    const code = [5, 6].map((size) => bits.slice(at, at + size)).find((text) => text in codes) ?? ''
    if (code === '') return 0
    digits += codes[code]
    at += code.length
  }
  return Number(digits)
}
