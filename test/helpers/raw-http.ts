import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { HeaderList } from './recorded.ts'

/** Until it is over, however that came: `once` of node:events rejects where the kernel resets what was not read. */
export function untilClosed (socket: Socket): Promise<void> {
  socket.on('error', () => {})
  return new Promise((resolve) => { if (socket.closed) resolve(); else socket.once('close', () => resolve()) })
}

export interface RawAnswer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: string
}

/**
 * Bytes in, one answer out: for requests that no HTTP client would send. Undefined where the server closes without one.
 */
export async function sendRaw (port: number, request: string): Promise<RawAnswer | undefined> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    socket.on('error', () => {})
    socket.write(request, 'latin1')
    return await readAnswer(socket, request.startsWith('HEAD '))
  } finally {
    socket.destroy()
  }
}

/**
 * The same for an answer whose body may never end, such as a 101.
 * @returns its status; 0 where the server closes without one
 */
export async function statusOfRaw (port: number, request: string): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    socket.on('error', () => {})
    socket.write(request, 'latin1')
    return (await readAnswer(socket, true))?.status ?? 0
  } finally {
    socket.destroy()
  }
}

async function readAnswer (socket: Socket, headOnly: boolean): Promise<RawAnswer | undefined> {
  let text = ''
  try {
    for await (const chunk of socket) {
      text += (chunk as Buffer).toString('latin1')
      const answer = parseAnswer(text, headOnly)
      if (answer !== undefined && isComplete(answer, headOnly)) return answer
    }
  } catch (error) {
    // a server that closes with unread bytes resets the connection: where the answer was there before, that is its end
    if (parseAnswer(text, headOnly) === undefined) throw error
  }
  return parseAnswer(text, headOnly)
}

function parseAnswer (text: string, headOnly: boolean): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map(
    (line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const
  )
  return { status: Number(statusLine.split(' ')[1]), headers, body: headOnly ? '' : text.slice(end + 4) }
}

/** Without a length the body ends with the connection. */
function isComplete ({ headers, body }: RawAnswer, headOnly: boolean): boolean {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  return headOnly || (length !== undefined && body.length >= Number(length))
}

/** Writes what does not end. Resolves when it is sent, or the connection is gone. */
export async function pour (t: Pick<Test, 'teardown'>, port: number, bytes: string | Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.resume()
  await new Promise<void>((resolve) => {
    socket.on('error', () => resolve()).on('close', () => resolve())
    socket.write(bytes, () => resolve())
  })
}
