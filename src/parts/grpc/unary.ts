import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

/** An error of gRPC itself, which Envoy may take for "allow": only for what no Envoy sends (`failure_mode_allow`). */
export type GrpcError = Readonly<{ code: number, details: string }>

/** One message in, one out. Neither throws nor rejects. @param peer its IP address; undefined on a unix socket */
export type Unary = (message: Buffer, peer: string | undefined) => Buffer | GrpcError | Promise<Buffer>

/** Of grpc.io/docs/guides/status-codes. */
const [DEADLINE_EXCEEDED, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL] = [4, 5, 8, 12, 13]
export const NO_SERVICE: GrpcError = { code: NOT_FOUND, details: 'no such service' }
const LATE: GrpcError = { code: DEADLINE_EXCEEDED, details: 'the time of the call is over' }
const TOO_LONG: GrpcError = { code: RESOURCE_EXHAUSTED, details: 'the message is over 256 KiB' }
const COMPRESSED: GrpcError = { code: UNIMPLEMENTED, details: 'the message is compressed' }
const NOT_ONE: GrpcError = { code: INTERNAL, details: 'not one whole message' }
const DEFECT: GrpcError = { code: INTERNAL, details: 'internal error' }

/**
 * Bytes of a message that is read at all: more than the 96 KiB of header lines that our configuration lets Envoy take,
 * with the path in it twice. Beyond 64 KiB Envoy gets a refusal; beyond this a gRPC error.
 */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Before each message: whether it is compressed, and its bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const FRAME_HEAD_BYTES = 5
const MAX_FRAME_BYTES = FRAME_HEAD_BYTES + MAX_MESSAGE_BYTES
const NOTHING = Buffer.alloc(0)

const HEAD = { ':status': 200, 'content-type': 'application/grpc' } as const
const OK = { 'grpc-status': '0' } as const

/**
 * Reads the one message of a call and answers it.
 * @param count takes the bytes of memory that it takes
 */
export function serveUnary (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  unary: (message: Buffer) => ReturnType<Unary>,
  count: (bytes: number) => void
): void {
  let kept: Buffer = NOTHING
  let bytes = 0
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    if (bytes + chunk.length > MAX_FRAME_BYTES) return fail(stream, TOO_LONG)
    const roomier = withRoom(kept, bytes, chunk.length)
    count(roomier.length - kept.length)
    chunk.copy(kept = roomier, bytes)
    bytes += chunk.length
  })
  stream.once('end', () => {
    const message = messageIn(kept.subarray(0, bytes))
    const answer = Buffer.isBuffer(message) ? unary(message) : message
    if (answer instanceof Promise) answer.then((ready) => say(stream, ready), () => fail(stream, DEFECT))
    else say(stream, answer)
  })
  endAfter(stream, timeoutIn(headers['grpc-timeout']))
}

/**
 * Chunks are copied: one that is kept keeps all that was read with it, up to 64 KiB.
 * @param bytes of `kept` that are in use
 */
function withRoom (kept: Buffer, bytes: number, more: number): Buffer {
  if (bytes + more <= kept.length) return kept
  const roomier = Buffer.allocUnsafeSlow(bytes === 0 ? more : 2 * (bytes + more))
  kept.copy(roomier, 0, 0, bytes)
  return roomier
}

function messageIn (frame: Buffer): Buffer | GrpcError {
  if (frame.length < FRAME_HEAD_BYTES || frame.length !== FRAME_HEAD_BYTES + frame.readUInt32BE(1)) return NOT_ONE
  return frame[0] === 0 ? frame.subarray(FRAME_HEAD_BYTES) : COMPRESSED
}

function say (stream: ServerHttp2Stream, answer: Buffer | GrpcError): void {
  if (!Buffer.isBuffer(answer)) return fail(stream, answer)
  if (isOver(stream)) return
  stream.respond(HEAD, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(OK))
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUInt32BE(answer.length, 1)
  stream.end(Buffer.concat([head, answer]))
}

/** What still comes in is read and dropped: its end is the stream's deadline. */
function fail (stream: ServerHttp2Stream, { code, details }: GrpcError): void {
  if (!isOver(stream)) stream.respond({ ...HEAD, 'grpc-status': code, 'grpc-message': details }, { endStream: true })
}

const isOver = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.closed || stream.headersSent

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** @returns milliseconds that the caller waits; undefined where it does not say, or nothing that can be read */
function timeoutIn (text: string | string[] | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(text)) ?? []
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 0)
}

/** Longer than any stream lives: streams have a deadline of their own, and a timer has a longest time. */
const LONGEST_MS = 3_600_000

function endAfter (stream: ServerHttp2Stream, ms: number | undefined): void {
  if (ms === undefined || ms >= LONGEST_MS) return
  const timer = setTimeout(() => fail(stream, LATE), ms)
  stream.once('close', () => clearTimeout(timer))
}
