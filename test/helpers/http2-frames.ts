/** What begins every connection of HTTP/2 (RFC 9113, 3.4). */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export const HEADERS = 0x1
export const RST_STREAM = 0x3
const SETTINGS = 0x4
export const GOAWAY = 0x7
const CONTINUATION = 0x9
const END_STREAM = 0x1
const END_HEADERS = 0x4
/** Bytes of the longest frame that a peer must take. */
const MAX_FRAME_BYTES = 16_384
const FRAME_HEAD_BYTES = 9

export type Field = readonly [name: string, value: string]
export type Frame = Readonly<{ type: number, stream: number, payload: Buffer }>

/**
 * The first bytes of a client, and one request without a body on that stream; fields as they are, which no HTTP client
 * would send.
 */
export function connectionStart (fields: readonly Field[], stream = 1): Buffer {
  return Buffer.concat([PREFACE_AND_SETTINGS, ...headFrames(fields, stream)])
}

/** All whole frames of what has arrived. */
export function readFrames (bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at + FRAME_HEAD_BYTES <= bytes.length) {
    const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3)
    if (end > bytes.length) break
    frames.push({
      type: bytes.readUInt8(at + 3),
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + FRAME_HEAD_BYTES, end)
    })
    at = end
  }
  return frames
}

/** `:status` is the first field of an answer: indexed (RFC 7541, appendix A), or a literal with its name indexed. */
export function decodeStatus (block: Buffer): number {
  const indexed: Record<number, number> = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 }
  const first = block[0] ?? 0
  if ((first & 0xe0) === 0x20) return decodeStatus(block.subarray(1)) // an update of the table's size comes before it
  if ((first & 0x80) !== 0) return indexed[first & 0x7f] ?? 0
  const length = (block[1] ?? 0) & 0x7f
  const text = block.subarray(2, 2 + length)
  return ((block[1] ?? 0) & 0x80) !== 0 ? decodeDigits(text) : Number(text.toString('latin1'))
}

export const PREFACE_AND_SETTINGS = Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0, Buffer.alloc(0))])

function frame (type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A request without a body: one HEADERS frame and as many CONTINUATIONs as it takes. */
export function headFrames (fields: readonly Field[], stream: number): Buffer[] {
  const block = Buffer.concat(fields.map(literal))
  const count = Math.max(1, Math.ceil(block.length / MAX_FRAME_BYTES))
  const parts = Array.from({ length: count }, (_, i) => block.subarray(i * MAX_FRAME_BYTES, (i + 1) * MAX_FRAME_BYTES))
  return parts.map((part, i) =>
    frame(i === 0 ? HEADERS : CONTINUATION, (i === 0 ? END_STREAM : 0) | (i === parts.length - 1 ? END_HEADERS : 0),
      stream, part)
  )
}

/** RFC 7541, 6.2.2: literal, not indexed, new name, no Huffman. */
function literal ([name, value]: Field): Buffer {
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

/** Huffman codes of the digits (RFC 7541, appendix B). */
function decodeDigits (bytes: Buffer): number {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const codes: Record<string, string> = {
    '00000': '0',
    '00001': '1',
    '00010': '2',
    '011001': '3',
    '011010': '4',
    '011011': '5',
    '011100': '6',
    '011101': '7',
    '011110': '8',
    '011111': '9'
  }
  let digits = ''
  for (let at = 0; digits.length < 3;) {
    const code = [5, 6].map((size) => bits.slice(at, at + size)).find((text) => text in codes) ?? ''
    if (code === '') return 0
    digits += codes[code]
    at += code.length
  }
  return Number(digits)
}
