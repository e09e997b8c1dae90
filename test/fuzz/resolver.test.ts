import fc from 'fast-check'
import type { Socket } from 'node:net'
import t from 'tap'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { startUpstream } from '../helpers/upstream.ts'
import { checkIdentity, parseAnswers, sendAll } from './helpers/answers.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'
import { anything, mostly } from './helpers/hostile.ts'

/** `USER` stands for this case's user: an answer that comes to another case names a stranger. */
const USER = '{user}'

const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ['X-Authgear-Session-Valid', 'true'],
      ['X-Authgear-Session-Valid', 'true'],
      ['X-Authgear-User-Id', USER],
      ['X-Authgear-User-Id', USER]
    )
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ['X-Authgear-Session-Valid', 'false'],
      ['X-Authgear-Session-Valid', 'TRUE'],
      ['X-Authgear-User-Id', ''],
      ['X-Authgear-User-Roles', 'admin'],
      ['X_Authgear_User_Id', USER],
      ['Set-Cookie', 'session=; Path=/']
    )
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...IDENTITY_HEADERS), anything) },
  { weight: 1, arbitrary: fc.tuple(anything, anything) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ['Transfer-Encoding', 'chunked'],
      ['Content-Length', '5'],
      ['Content-Length', '0'],
      ['Connection', 'close'],
      ['Content-Encoding', 'gzip'],
      ['Location', '/'],
      ['Trailer', 'X-Authgear-User-Id']
    )
  }
)
const before = mostly(
  ['', '', ''],
  fc.oneof(
    fc.constantFrom(
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nX-Authgear-Session-Valid: true\r\nX-Authgear-User-Id: early\r\n\r\n',
      '\r\n',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n'
    ),
    anything
  )
)
const behind = mostly(
  ['', ''],
  fc.oneof(
    fc.constant(
      'HTTP/1.1 200 OK\r\nX-Authgear-Session-Valid: true\r\nX-Authgear-User-Id: smuggled\r\nContent-Length: 0\r\n\r\n'
    ),
    fc.constantFrom(
      '0\r\nX-Authgear-Session-Valid: true\r\nX-Authgear-User-Id: trailer\r\n\r\n', '5\r\nabcde\r\n0\r\n\r\n', 'abcde'
    ),
    anything
  )
)

interface Reply {
  readonly bytes: string
  readonly lines: ReadonlyArray<readonly string[]>
  readonly status: string
  readonly end: 'keep' | 'end' | 'reset'
}

const reply: fc.Arbitrary<Reply> = fc
  .record({
    before,
    version: mostly(['HTTP/1.1'], fc.constantFrom('HTTP/1.0', 'HTTP/2', 'ICY')),
    status: mostly(
      ['200', '200', '200'],
      fc.constantFrom('201', '204', '206', '304', '302', '401', '404', '500', '503', '099', '1000', 'OK')
    ),
    base: fc.constantFrom([], [['X-Authgear-Session-Valid', 'true'], ['X-Authgear-User-Id', USER]]),
    more: fc.array(line, { maxLength: 4 }),
    length: mostly(
      ['Content-Length: 0\r\n'], fc.constantFrom('', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n')
    ),
    eol: mostly(['\r\n'], fc.constantFrom('\n', '\r')),
    behind,
    end: fc.constantFrom('keep' as const, 'keep' as const, 'end' as const, 'reset' as const)
  })
  .map(({ before, version, status, base, more, length, eol, behind, end }) => {
    const lines = [...base, ...more]
    return {
      bytes: `${before}${version} ${status} ` +
        `x\r\n${length}${lines.map((parts) => parts.join(': ') + eol).join('')}\r\n${behind}`,
      lines,
      status,
      end
    }
  })

/** For so long an upstream keeps a connection on which nothing more is asked. */
const KEPT_MS = 100

t.test('gives 200 only where Authgear calls the session valid in this very answer', async (t) => {
  const seen = new Map<number, number>()
  let now: { user: string, reply: Reply } | undefined
  const endings = new Map<Socket, NodeJS.Timeout>()
  const upstream = await startUpstream(t, (socket: Socket) => {
    if (now === undefined) return
    clearTimeout(endings.get(socket))
    socket.write(now.reply.bytes.replaceAll(USER, now.user), 'latin1')
    if (now.reply.end === 'end') socket.end()
    else if (now.reply.end === 'reset') socket.resetAndDestroy()
    // what is not a whole answer ends too: a time-out would be met by whole ones on a slow machine
    else endings.set(socket, setTimeout(() => socket.end(), KEPT_MS))
  })
  const { port, lines: log } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
    AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`,
    CACHE_TTL: '0',
    CACHE_NEGATIVE_TTL: '0'
  })
  const unforeseen = nothingUnforeseen(log)
  let count = 0
  await holds(t, fc.asyncProperty(reply, async (reply) => {
    now = { user: `user-${++count}`, reply }
    const received = await ends('a request',
      sendAll(port, `GET /verify HTTP/1.1\r\nHost: x\r\nCookie: session=s${count}\r\nConnection: close\r\n\r\n`))
    const [answer, ...more] = parseAnswers(received, () => false)
    if (answer === undefined || more.length > 0) throw new Error('not one answer')
    checkIdentity(answer)
    unforeseen()
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
    if (answer.status === 200 && !mayName(reply, answer.headers.get('x-authgear-user-id') ?? '', now.user)) {
      throw new Error(`200 for ${answer.headers.get('x-authgear-user-id')}`)
    }
    if (![200, 401, 503].includes(answer.status)) throw new Error(`${answer.status}`)
    if (answer.status === 401 && reply.status !== '200') throw new Error('an error taken for a log-out')
  }), 500)
  for (const status of [200, 401, 503]) t.ok((seen.get(status) ?? 0) > 10, `${status} is not rare: ${seen.get(status)}`)
})

/** The answer says `true` once, no `false`, and that user and no other. */
function mayName ({ lines, status, bytes }: Reply, named: string, user: string): boolean {
  const valuesOf = (name: string): string[] =>
    lines.filter(([one]) => one?.trim().toLowerCase() === name).map(([, value]) => value?.trim() ?? '')
  // a reply that holds several heads for some reader is judged by the one rule that every reader shares: it names
  // nobody who is not in it
  if (!/^HTTP\/1\.[01] 200 x\r\n/.test(bytes.replace(/^HTTP\/1\.1 10[03][^]*?\r\n\r\n/, ''))) {
    return (named === user || bytes.includes(named)) && named !== 'early' && named !== 'trailer'
  }
  return (
    status === '200' && valuesOf('x-authgear-session-valid').includes('true') &&
    (named === user || valuesOf('x-authgear-user-id').includes(named)) &&
    named !== ''
  )
}
