import fc from 'fast-check'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { checkIdentity, parseAnswers, sendAll, type ParsedAnswer } from './helpers/answers.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'
import { anything, clientLines, fieldText, FRAMING, mostly } from './helpers/hostile.ts'
import { isRefusedUnasked, readingsOf, whoIs, type Line } from './helpers/oracle.ts'

/** The server closes after it at the latest, whatever the requests before it did. */
const LAST = 'GET /verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

const target = mostly(
  ['/verify', '/verify?', '/ext-authz/', '/ext-authz/x?role=none'],
  fc.oneof(
    fc.constantFrom(
      '/', '*', '//verify', '/verify/', '/verify/../verify', '/%76erify', 'http://x/verify', '/verify#', '/webhook',
      '/identify', ''
    ),
    anything.map((text) => `/verify${text}`),
    anything
  )
)

t.test('a well-formed request gets what Authgear says of exactly these credentials', async (t) => {
  const simulator = await startSimulator(t)
  const { port, lines: log } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const unforeseen = nothingUnforeseen(log)
  const seen = { 200: 0, 401: 0 }
  await holds(t, fc.asyncProperty(clientLines(fieldText), async (lines) => {
    const request = 'GET /verify HTTP/1.1\r\nHost: ' +
      `x\r\n${textOf(lines.filter(([name]) => !/policy$/i.test(name)))}Connection: close\r\n\r\n`
    const [answer, ...more] = parseAnswers(await ends('a request', sendAll(port, request)), () => false)
    if (answer === undefined || more.length > 0) throw new Error(`${more.length} answers too many`)
    checkIdentity(answer)
    const expected = isRefusedUnasked(lines) ? undefined : whoIs(lines)
    if (answer.headers.get('x-authgear-user-id') !== expected) {
      throw new Error(`${answer.headers.get('x-authgear-user-id')} instead of ${expected}`)
    }
    if (answer.status !== (expected === undefined ? 401 : 200)) throw new Error(`${answer.status} for ${expected}`)
    seen[answer.status === 200 ? 200 : 401]++
    unforeseen()
  }), 1000)
  t.ok(Math.min(...Object.values(seen)) > 30, `neither rare: ${JSON.stringify(seen)}`)
})

interface Request { readonly head: string, readonly isHead: boolean }

const request: fc.Arbitrary<Request> = fc
  .record({
    method: mostly(
      ['GET', 'GET', 'POST', 'HEAD', 'OPTIONS', 'PROPFIND'], fc.oneof(fc.constantFrom('CONNECT', 'PRI'), anything)
    ),
    target,
    version: mostly(['HTTP/1.1'], fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ')),
    lines: fc.oneof({ weight: 3, arbitrary: clientLines(fieldText) }, { weight: 1, arbitrary: clientLines(anything) }),
    framing: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(...FRAMING), { maxLength: 2 }) }
    ),
    end: mostly(['\r\n'], fc.constantFrom('\n', '\r')),
    body: fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: anything },
      { weight: 1, arbitrary: fc.constantFrom('0\r\n\r\n', '5\r\nabcde\r\n0\r\n\r\n', 'abcde') }
    )
  })
  .map(({ method, target, version, lines, framing, end, body }) => ({
    head: [
      `${method} ${target} ${version}`, 'Host: x', ...[...lines, ...framing].map((line) => line.join(': ')), '', body
    ].join(end),
    isHead: method === 'HEAD'
  }))

t.test('any bytes get one answer a request at most, and a 200 only for a session', async (t) => {
  const simulator = await startSimulator(t)
  const { port, lines: log } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const unforeseen = nothingUnforeseen(log)
  const seen = new Map<number, number>()
  await holds(
    t,
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), async (requests) => {
      const received = await ends('a connection', sendAll(port, requests.map(({ head }) => head).join('') + LAST))
      const answers = parseAnswers(
        received, (index) => requests[index]?.isHead === true && !received.startsWith('HTTP/1.1 400')
      )
      if (answers.length > requests.length + 1) {
        throw new Error(`${answers.length} answers to ${requests.length + 1} requests`)
      }
      answers.forEach((answer, index) => {
        checkIdentity(answer)
        isJustified(answer, requests[index]?.head ?? LAST)
      })
      answers.forEach(({ status }) => seen.set(status, (seen.get(status) ?? 0) + 1))
      unforeseen()
    }),
    1000
  )
  for (const status of [200, 400, 401, 403, 404]) {
    t.ok((seen.get(status) ?? 0) > 3, `${status} is not rare: ${seen.get(status)}`)
  }
})

/** A 200 names somebody whom one reading of exactly these bytes names. */
function isJustified ({ status, headers }: ParsedAnswer, head: string): void {
  if (status !== 200) return
  const user = headers.get('x-authgear-user-id')
  if (!readingsOf(head).some(lines => whoIs(lines) === user)) throw new Error(`200 for ${user}`)
}

function textOf (lines: readonly Line[]): string {
  return lines.map(line => `${line.join(': ')}\r\n`).join('')
}
