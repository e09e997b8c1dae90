import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** `displaced`: it made room for newer ones. */
type Unread = Readonly<{ kind: 'too_large' | 'late' | 'displaced' }>
type Body = Readonly<{ kind: 'whole', bytes: Buffer }> | Unread

export type BodyLimits = Readonly<{
  /** The bound of one body in bytes. */
  maxBytes: number
  /** The time in which a whole body must arrive. */
  timeoutMs: number
  /** The bound of all bodies under way: their number, and their bytes together. */
  maxBodies: number
  maxHeldBytes: number
}>

export type ReadBody = (request: IncomingMessage) => Promise<Body>

type ReadProgress = { size: number, displace: () => void }

/**
 * Bytes; a body grows from here by doubling, so that what is held is at most twice what came, in however many pieces.
 */
const FIRST_BYTES = 4096

/**
 * Reads bodies as they come; one that is not whole is left unread. Over either bound the body that made no progress
 * for longest makes room: a stranger who sends slowly keeps nobody out.
 */
export function createReadBody (limits: BodyLimits): ReadBody {
  const readings = createReadings(limits)
  return async (request) => {
    if (Number(request.headers['content-length']) > limits.maxBytes) return { kind: 'too_large' }
    let bytes: Buffer = Buffer.alloc(0)
    return await new Promise<Body>((resolve) => {
      const end = (body: Body): void => {
        clearTimeout(timer)
        readings.remove(reading)
        request.off('data', onData).off('end', onEnd).off('close', onLate)
        request.pause()
        resolve(body)
      }
      const reading: ReadProgress = { size: 0, displace: () => end({ kind: 'displaced' }) }
      const onData = (chunk: Buffer): void => {
        const size = reading.size + chunk.length
        if (size > limits.maxBytes) return end({ kind: 'too_large' })
        if (size > bytes.length) bytes = grown(bytes, reading.size, Math.max(FIRST_BYTES, size, 2 * bytes.length))
        chunk.copy(bytes, reading.size)
        readings.progress(reading, chunk.length)
      }
      const onEnd = (): void => end({ kind: 'whole', bytes: bytes.subarray(0, reading.size) })
      const onLate = (): void => end({ kind: 'late' })
      const timer = setTimeout(onLate, limits.timeoutMs)
      request.on('data', onData).once('end', onEnd).once('close', onLate).on('error', onLate)
      readings.progress(reading, 0)
    })
  }
}

function grown (bytes: Buffer, used: number, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(size)
  bytes.copy(larger, 0, 0, used)
  return larger
}

/** The bodies under way, in the order of their last progress. */
function createReadings ({ maxBodies, maxHeldBytes }: BodyLimits) {
  const readings = new Set<ReadProgress>()
  let heldBytes = 0
  return {
    progress (reading: ReadProgress, bytes: number): void {
      readings.delete(reading)
      readings.add(reading)
      reading.size += bytes
      heldBytes += bytes
      for (const stalest of readings) {
        if ((readings.size <= maxBodies && heldBytes <= maxHeldBytes) || stalest === reading) return
        stalest.displace()
      }
    },
    remove (reading: ReadProgress): void {
      if (readings.delete(reading)) heldBytes -= reading.size
    }
  }
}

/**
 * A request that declares a body may never send it: what comes next on the connection would be taken for that body, and
 * what follows it for a request of its own (docs/interface.md, "Limits"; with a naive nginx an attacker
 * without a session reached the backend). Behind one that asks for another protocol Node throws away what came with it,
 * and the next answer would stand in its place. So nothing that arrives after such a request's head is parsed any more,
 * and such a connection gets the one answer that is owed and no other.
 */
export type AbandonedInputs = WeakSet<Socket>

export function abandon (abandoned: AbandonedInputs, socket: Socket): void {
  abandoned.add(socket)
  stopParsing(socket)
}

/**
 * Node's parser reads directly from the socket's handle: a listener of our own takes it back, then the parser's goes.
 */
export function stopParsing (socket: Socket): void {
  const discard = (): void => {}
  socket.on('data', discard)
  for (const listener of socket.rawListeners('data')) {
    if (listener !== discard) socket.removeListener('data', listener as () => void)
  }
  socket.removeAllListeners('end')
  socket.resume()
}
