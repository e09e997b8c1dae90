import type { IncomingMessage } from 'node:http'

export type Body = Readonly<{ kind: 'whole', bytes: Buffer }> | Readonly<{ kind: 'too_large' }> | Readonly<{ kind: 'late' }>

/** Reads a body as it came; one that is too large or too late is left unread. @param timeoutMs in which all of it must be here */
export async function readBody (request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Body> {
  const chunks: Buffer[] = []
  let size = 0
  return await new Promise<Body>((resolve) => {
    const end = (body: Body): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onLate)
      request.pause()
      resolve(body)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > maxBytes) end({ kind: 'too_large' })
      else chunks.push(chunk)
    }
    const onEnd = (): void => end({ kind: 'whole', bytes: Buffer.concat(chunks) })
    const onLate = (): void => end({ kind: 'late' })
    const timer = setTimeout(onLate, timeoutMs)
    request.on('data', onData).once('end', onEnd).once('close', onLate).on('error', onLate)
  })
}
