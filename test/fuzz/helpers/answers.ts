import { connect } from 'node:net'
import { IDENTITY_HEADERS } from '../../../src/base/core/resolution.ts'
import { untilClosed } from '../../helpers/raw-http.ts'

export interface ParsedAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

/** Sends bytes and reads until the server closes, which it does at the latest after a request that asks for it. */
export async function sendAll (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('error', () => {}).on('data', (chunk: Buffer) => { received += chunk.toString('latin1') })
  socket.write(bytes, 'latin1')
  await untilClosed(socket)
  return received
}

/**
 * All answers in what came over one connection; each has a length, so that one is told from the next without a guess.
 * @throws where there is anything else
 */
export function parseAnswers (received: string, isHead: (index: number) => boolean): readonly ParsedAnswer[] {
  const answers: ParsedAnswer[] = []
  let rest = received
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(statusLine)?.[1]
    if (end < 0 || status === undefined) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 200))}`)
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
    )
    if (headers.size !== lines.length) throw new Error(`a header twice: ${JSON.stringify(lines)}`)
    const length = Number(headers.get('content-length') ?? NaN)
    if (!Number.isInteger(length)) throw new Error(`no length: ${JSON.stringify(lines)}`)
    answers.push({ status: Number(status), headers })
    rest = rest.slice(end + 4 + (isHead(answers.length - 1) ? 0 : length))
  }
  return answers
}

/** Whatever the situation: an identity on 200 and nowhere else. @throws where that does not hold */
export function checkIdentity ({ status, headers }: ParsedAnswer): void {
  const names = [...headers.keys()].filter(name => name.includes('authgear'))
  const expected = status === 200 ? IDENTITY_HEADERS.length : 0
  const ours = status === 200 ? names.filter((name) => name.startsWith('x-authgear-')) : names
  if (ours.length !== expected) throw new Error(`${status} with ${names.join()}, not ${expected} identity headers`)
  if (headers.has('set-cookie') || headers.has('location')) throw new Error('a cookie or a redirect')
}
