import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { PersonalAnswer } from '../../src/base/http/respond.ts'
import { respond, withKeptHead } from '../../src/base/http/respond.ts'
import { OK } from '../../src/base/http/success.ts'
import type { HttpResponse } from '../../src/base/http/types.ts'
import { NOTHING } from '../../src/base/identity/presenter.ts'
import { createAllow, success } from '../../src/base/verify/responses.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { createMemory, remembered } from '../helpers/remembered.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const ALLOWED: HttpResponse = { status: OK, headers: ['content-length', '0', 'x-user', 'alice'], body: '' }
const REFUSED: HttpResponse = { status: 401, headers: ['content-length', '2', 'x-reason', 'none'], body: 'no' }

type Answering = (request: IncomingMessage, response: ServerResponse) => void

async function listen (t: Test, answer: Answering): Promise<number> {
  const server: Server = createServer(answer).on('checkContinue', answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return (server.address() as AddressInfo).port
}

/** Sends the text on one connection, whose last request ends it. @returns all that came back, with dates made equal */
async function exchange (port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let got = ''
  socket.setEncoding('latin1').on('data', (text: string) => { got += text }).write(sent)
  await untilClosed(socket)
  return got.replaceAll(/Date: [^\r]{29}/g, 'Date: D')
}

const request = (id: string, { method = 'GET', version = '1.1', lines = '' } = {}): string =>
  `${method} /verify HTTP/${version}\r\nHost: a\r\nX-Request-Id: ${id}\r\n${lines}\r\n`

const LAST = request('last', { lines: 'Connection: close\r\n' })

const idOf = ({ headers }: IncomingMessage): string => String(headers['x-request-id'])

t.test('a kept head is, byte for byte, what Node writes', async (t) => {
  const rows: ReadonlyArray<readonly [name: string, requests: readonly string[]]> = [
    ['one after the other', ['a', 'b', 'c', 'd'].map((id) => request(id))],
    ['a head alone', ['a', 'b', 'c', 'd'].map((id) => request(id, { method: 'HEAD' }))],
    ['a head alone among others', ['GET', 'HEAD', 'GET'].map((method) => request(method, { method }))],
    ['a connection that ends', [request('a'), request('b'), request('c', { lines: 'Connection: close\r\n' })]],
    ['a connection that ends first', [request('a', { lines: 'Connection: close\r\n' })]],
    ['an old protocol', [request('a', { version: '1.0', lines: 'Connection: keep-alive\r\n' })]],
    ['one that waits to be told to go on', ['a', 'b'].map((id) => request(id, { lines: 'Expect: 100-continue\r\n' }))],
    ['a long id', ['a', 'b', 'c'].map((id) => request(id.repeat(128)))]
  ]
  for (const [name, answer] of [['allowed', ALLOWED], ['refused', REFUSED]] as const) {
    const kept = withKeptHead(answer)
    const [usual, fast] = await Promise.all([
      listen(t, (asked, response) => respond(response, answer, idOf(asked))),
      listen(t, (asked, response) => respond(response, kept, idOf(asked)))
    ])
    for (const [row, requests] of rows) {
      const text = [...requests, LAST].join('')
      t.equal(await exchange(fast, text), await exchange(usual, text), `${name}: ${row}`)
    }
    t.ok(kept.head?.parts, `${name}: its head was kept`)
    for (const [row, requests] of rows) {
      const text = [...requests, LAST].join('')
      t.equal(await exchange(fast, text), await exchange(usual, text), `${name}, kept: ${row}`)
    }
  }
})

t.test('a body with more bytes than characters is written by Node', async (t) => {
  const answer: HttpResponse = { status: 401, headers: ['content-length', '3'], body: '…' }
  const port = await listen(t, (asked, response) => respond(response, withKeptHead(answer), idOf(asked)))
  const text = await exchange(port, [...['a', 'b', 'c'].map((id) => request(id)), LAST].join(''))
  t.equal(Buffer.from(text, 'latin1').toString().split('…').length - 1, 4)
})

t.test('one head serves all who have the same roles, and nobody gets another\'s values', async (t) => {
  const people: ReadonlyArray<Readonly<Record<string, string | undefined>>> = [
    ['alice', '1795561910'], ['bob', '7'], ['al', ''], ['x-authgear-user-id: bob', '1795561910'], ['bob', 'later']
  ].map(([id, at]) => ({ 'user-id': id, 'session-authenticated-at': at }))
  const others = [{ 'user-roles': 'admin' }, { 'user-roles': undefined }, { 'session-authenticated-at': undefined }]
  const memory = createMemory()
  const identities = [...people, ...others, ...people].map((some) => remembered(some, memory))
  const personOf = (asked: IncomingMessage) =>
    identities[(Number(idOf(asked)) || 0) % identities.length] as typeof identities[number]
  const requests = Array.from({ length: 60 }, (_, n) => request(String(n), { method: n % 7 === 6 ? 'HEAD' : 'GET' }))
  const text = [...requests, LAST].join('')
  for (const absent of ['empty', 'omit'] as const) {
    const allow = createAllow(absent)
    const [fast, usual] = await Promise.all([
      listen(t, (asked, response) => respond(response, allow(personOf(asked), 'memory', NOTHING), idOf(asked))),
      listen(t, (asked, response) =>
        respond(response, success(personOf(asked).identity, 'allowed', 'memory', absent), idOf(asked)))
    ])
    t.equal(await exchange(fast, text), await exchange(usual, text), absent)
    const answer = allow(identities[0] as typeof identities[number], 'memory', NOTHING)
    t.ok(answer instanceof PersonalAnswer && answer.parts(), `${absent}: their head was kept`)
  }
})

t.test('an answer made of a kept one has no kept head', async (t) => {
  const kept = withKeptHead(REFUSED)
  const offered: HttpResponse = { ...kept, headers: [...kept.headers, 'x-login', 'https://app.example.com/'] }
  const port = await listen(t, (asked, response) =>
    respond(response, idOf(asked).startsWith('login') ? offered : kept, idOf(asked)))
  const ids = ['a', 'login-1', 'b', 'login-2', 'c', 'login-3', 'd']
  const heads = (await exchange(port, [...ids.map((id) => request(id)), LAST].join(''))).split('HTTP/1.1 ').slice(1, -1)
  t.strictSame(heads.map((head) => head.includes('x-login: ')), ids.map((id) => id.startsWith('login')))
  t.strictSame(heads.map((head) => /x-request-id: (\S+)/.exec(head)?.[1]), ids)
})

t.test('people on one connection each get their own answer, once it is kept too', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const people = [demo.alice, demo.bob, demo.anonymous]
  const ids = Array.from({ length: 60 }, (_, n) => n)
  const text = ids.map((n) =>
    request(`id-${n}`, { lines: n % 4 === 3 ? '' : `Authorization: Bearer ${people[n % 4]?.accessToken ?? ''}\r\n` }))
  const answers = (await exchange(port, [...text, LAST].join(''))).split('HTTP/1.1 ').slice(1, -1)
  t.equal(answers.length, ids.length)
  for (const n of ids) {
    const answer = answers[n] ?? ''
    const expected = n % 4 === 3 ? undefined : people[n % 4]?.id
    t.equal(/x-authgear-user-id: (\S+)/.exec(answer)?.[1], expected)
    t.equal(answer.startsWith(expected === undefined ? '401' : '200'), true)
    t.match(answer, `x-request-id: id-${n}\r\n`)
  }
})
