import { connect, type Socket } from 'node:net'
import {
  connectionStart, decodeStatus, GOAWAY, HEADERS, readFrames, RST_STREAM
} from '../../../helpers/http2-frames.ts'
import { HOST } from '../../../helpers/request.ts'
import type { Line, Spelling } from './spelling.ts'

/** Longer than any machine stands still; a peer that is silent for so long is no proxy of ours, and the test fails. */
const SILENCE_MS = 60_000

/** What the client says about itself in each request, and the case by which the app's record is found again. */
const SPOOFED: readonly Line[] = [
  ['X-Authgear-User-Id', 'the-ceo'],
  ['X-Authgear-User-Roles', 'admin'],
  ['X-Authgear-Session-Valid', 'true']
]

const LAST = `GET /page HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`

const TUNNELLED = 3 // the stream: the request that asked for h2c has stream 1

/** @returns the status, 0 where the proxy closed the connection without one */
export async function attack (port: number, { write }: Spelling, lines: readonly Line[]): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' }).setNoDelay(true).on('error', () => {})
  socket.setTimeout(SILENCE_MS, () => {
    socket.destroy(new Error(`neither an answer nor an end within ${SILENCE_MS} ms`))
  })
  try {
    if (write.http === 2) return await overHttp2(socket, write.fields([...lines, ...SPOOFED]), 1)
    socket.write(write.write([...lines, ...SPOOFED]), 'latin1')
    return await overHttp1(socket, lines)
  } finally {
    socket.destroy()
  }
}

/**
 * @returns the status of the first answer; whatever else the proxy takes for a request on this connection is answered
 * before it returns
 */
async function overHttp1 (socket: Socket, lines: readonly Line[]): Promise<number> {
  let text = ''
  let asked = false
  for await (const chunk of chunksOf(socket)) {
    text += chunk.toString('latin1')
    const answers = answersOf(text)
    if (answers[0]?.status === 101) await pastTheProxy(socket, lines)
    if (answers[0]?.status === 101 || answers.some(({ closes }) => closes)) return answers[0]?.status ?? 0
    if (answers.length > 0 && !asked) { asked = true; socket.write(LAST) }
  }
  return answersOf(text)[0]?.status ?? Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0)
}

/** A reset is an end as well; silence is none. */
async function * chunksOf (socket: Socket): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of socket) yield chunk as Buffer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' && (error as NodeJS.ErrnoException).code !== 'EPIPE') {
      throw error
    }
  }
}

type Answer = Readonly<{ status: number, closes: boolean }>

/** All whole answers of what has arrived; `100 Continue` is none. */
function answersOf (text: string): readonly Answer[] {
  const [, version = '1.1', code = '', head = '', rest = ''] =
    /^HTTP\/(1\.[01]) (\d{3})[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n([^]*)$/.exec(text) ?? []
  if (code === '') return []
  const end = code.startsWith('1') ? 0 : endOfBody(head, rest)
  if (end < 0) return []
  const answer = {
    status: Number(code),
    closes: /^connection: *close/im.test(head) || (version === '1.0' && !/^connection: *keep-alive/im.test(head))
  }
  return code === '101' ? [answer] : [...code.startsWith('1') ? [] : [answer], ...answersOf(rest.slice(end))]
}

/** Negative: more is to come. */
function endOfBody (head: string, rest: string): number {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) return rest.length < Number(length) ? -1 : Number(length)
  if (!/^transfer-encoding:/im.test(head)) return 0
  const last = rest.search(/(^|\r\n)0\r\n\r\n/)
  return last < 0 ? -1 : rest.indexOf('0\r\n\r\n', last) + '0\r\n\r\n'.length
}

/** The proxy is out of the way: HTTP/2 to whatever is at the other end, with an identity of the client's own. */
async function pastTheProxy (socket: Socket, lines: readonly Line[]): Promise<void> {
  const own = [...lines, ...SPOOFED].map(([name, value]): Line => [name.toLowerCase(), value])
  await overHttp2(socket,
    [[':method', 'GET'], [':scheme', 'http'], [':path', '/admin/tunnel'], [':authority', HOST], ...own], TUNNELLED)
}

export async function overHttp2 (socket: Socket, fields: readonly Line[], stream: number): Promise<number> {
  socket.write(connectionStart(fields, stream))
  let bytes = Buffer.alloc(0)
  for await (const chunk of chunksOf(socket)) {
    bytes = Buffer.concat([bytes, chunk])
    for (const { type, stream: of, payload } of readFrames(bytes)) {
      if (type === HEADERS && of === stream) return decodeStatus(payload)
      if ((type === RST_STREAM && of === stream) || type === GOAWAY) return 0
    }
  }
  return 0
}
