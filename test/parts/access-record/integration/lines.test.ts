import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { recordedIn, recordFile, type RecordLine } from '../helpers.ts'
import { type Attributes, grpcClient } from '../../../helpers/grpc.ts'
import {
  ANY_PORT, type InProcess, type InProcessOptions, MANAGEMENT_TOKEN, startInProcess
} from '../../../helpers/in-process.ts'
import { startManagement } from '../../../helpers/management.ts'
import { sendRaw } from '../../../helpers/raw-http.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { disabledEvent, webhookOf, WEBHOOK_SECRET } from '../../../helpers/webhook.ts'

/** Each decision a line by itself. */
async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  const { file, ACCESS_RECORD } = recordFile(t)
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: ANY_PORT, ACCESS_RECORD, ACCESS_RECORD_WINDOW: 0, ...options
  })
  /** What it wrote in all; it ends. */
  const ended = async (): Promise<readonly RecordLine[]> => {
    await replica.close()
    return recordedIn(file)
  }
  return { replica, file, ended }
}

const ALICE: HeaderLine = ['Cookie', `session=${demo.alice.cookie}`]
const verify = ({ port }: InProcess, query: string, headers: readonly HeaderLine[] = [ALICE]) =>
  ask(port, { path: `/verify?${query}`, headers: [['X-Forwarded-Host', 'app.example.com'], ...headers] })

t.test('a policy that cannot be understood is a line with its text', async (t) => {
  const { replica, ended } = await start(t)
  for (const policy of ['role=', 'colour=red', 'role=a%ff']) {
    t.equal((await verify(replica, policy)).status, 403, policy)
  }
  await verify(replica, '', [ALICE, ['X-Forward-Auth-Policy', 'verified']])
  const http = { method: 'GET', host: 'app.example.com', path: '/', headers: { cookie: ALICE[1] } }
  await grpcClient(t, replica.grpcPort).check({ context_extensions: { policy: 'role' }, request: { http } })
  await verify(replica, 'role=admin')
  const lines = await ended()
  t.strictSame(lines.map(({ verdict, reason, policy }) => `${verdict} ${reason} ${policy}`), [
    'refused bad_policy role=',
    'refused bad_policy colour=red',
    'refused bad_policy role=a%ff',
    'refused bad_policy verified',
    'refused bad_policy role',
    'allowed allowed role=admin'
  ])
})

t.test('purges, webhooks and what is revoked otherwise are lines with origin and whom', async (t) => {
  const { replica, ended } = await start(t, { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET })
  const management = await startManagement(t, replica.service)
  const purge = (what: object) => ask(management, {
    method: 'POST',
    path: '/revocations',
    host: '127.0.0.1',
    headers: [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Type', 'application/json']],
    body: JSON.stringify(what)
  })
  t.equal((await purge({ user_id: demo.bob.id })).status, 200)
  t.equal((await purge({ client_id: 'agent' })).status, 200)
  t.equal((await purge({ cookie: `session=${demo.alice.cookie}` })).status, 200)
  t.equal((await purge({ all: true })).status, 200)
  t.equal((await purge({ user: 'nobody' })).status, 400)
  t.equal((await ask(replica.port, webhookOf(disabledEvent(demo.dora.id)))).status, 204)
  const lines = await ended()
  t.strictSame(lines.map(({ event, origin, target, user, client }) => [event, origin, target, user ?? client]), [
    ['revocation', 'management', 'user', demo.bob.id],
    ['revocation', 'management', 'client', 'agent'],
    ['revocation', 'management', 'credential', undefined],
    ['revocation', 'management', 'credential', undefined],
    ['revocation', 'management', 'everything', undefined],
    ['revocation', 'webhook', 'user', demo.dora.id]
  ])
  t.notMatch(JSON.stringify(lines), demo.alice.cookie.split('.')[0], 'not the session id of a purge')
})

t.test('a line has the ids by which other logs and the app\'s token are joined', async (t) => {
  const { replica, ended } = await start(t, { ASSERTION: 'on', ASSERTION_ISSUER: 'https://auth.example.com' })
  await replica.service.partsReady()
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const { headers } = await verify(replica, 'audience=app', [
    ALICE, ['X-Request-Id', 'proxy-1'], ['Traceparent', `00-${trace}-b7ad6b7169203331-01`]
  ])
  const token = String(headers['x-forward-auth-assertion'])
  t.match(token, /^ey.+[.]ey.+[.]/)
  const assertion = createHash('sha256').update(token).digest('hex').slice(0, 16)
  await verify(replica, '')
  t.match(await ended(), [
    { request: 'proxy-1', trace, assertion, policy: 'audience=app' },
    { request: /^[\da-f]{12}-/, trace: undefined }
  ])
})

t.test('what is no decision has no line', async (t) => {
  const { replica, ended } = await start(t)
  const management = await startManagement(t, replica.service)
  for (const path of ['/favicon.ico', '/', '/verify/', '/robots.txt']) {
    t.equal((await ask(replica.port, { path })).status, 404, path)
  }
  for (const path of ['/', '/metrics', '/favicon.ico']) await ask(management, { path, host: '127.0.0.1' })
  await verify(replica, '', [ALICE, ['X-Forwarded-Uri', '/favicon.ico']])
  t.match(await ended(), [{ verdict: 'allowed', path: '/favicon.ico' }], 'an app\'s own icon is a request as any')
})

const FAKE = '{"record":"access","seq":9,"verdict":"allowed","user":"admin","kind":"person"}'
/** What a client may want to be in a line. */
const HOSTILE = [
  `/x\n${FAKE}\n`,
  `/x\r\n${FAKE}`,
  `/"},${FAKE},{"x":"`,
  '/\u001b[2J\u001b]0;owned\u0007',
  '/\u009b31m',
  '/\u2028\u2029\u0085',
  '/\\u0000\\n"\\',
  `/${'a'.repeat(16_384)}`,
  `/${'"'.repeat(16_384)}`,
  `/${'\u0001'.repeat(5000)}`,
  `/${'é€😀'.repeat(1500)}`,
  '/\ud800',
  ''
]
/** No text in UTF-8: each byte as it is. */
const BYTES = ['/\xff\xfe\xc3(', '/\xed\xa0\x80', '/\xf0\x9f', '/\x80\x9b2J']
const PRINTABLE = /^[\x20-\x7e\u00a0-\u2027\u202a-\uffff]+$/

function checkLines (t: Test, file: string, lines: readonly RecordLine[]): void {
  const texts = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  for (const text of texts) {
    t.match(text, PRINTABLE)
    t.ok(Buffer.byteLength(text) <= 4096, `${Buffer.byteLength(text)} bytes`)
  }
  for (const { record, verdict, user, kind } of lines) {
    t.match({ record, verdict, user, kind }, { record: 'access', verdict: 'refused', user: undefined, kind: 'nobody' })
  }
  t.strictSame(lines.map(({ seq }) => seq), lines.map((_, index) => index + 1))
}

const namedBy = (text: string) => ({ traceparent: text, 'x-forwarded-host': text, 'x-forwarded-uri': text })

t.test('over gRPC nothing that a client writes ends a line, or pretends to be one', async (t) => {
  const { replica, file, ended } = await start(t)
  const envoy = grpcClient(t, replica.grpcPort)
  const requests: Attributes[] = [...HOSTILE, ...BYTES].flatMap((text) => [
    { request: { http: { method: 'GET', host: 'app.example.com', path: text } } },
    { request: { http: { method: text.slice(0, 9000), host: text, path: '/', headers: { 'x-request-id': text } } } },
    { request: { http: { method: 'GET', host: 'a', path: '/', id: text, headers: namedBy(text) } } },
    { context_extensions: { policy: text }, request: { http: { method: 'GET', host: 'a', path: '/' } } }
  ])
  const raw = BYTES.map((text): Attributes => ({
    request: {
      http: { path: '/', header_map: { headers: [{ key: 'traceparent', raw_value: Buffer.from(text, 'latin1') }] } }
    }
  }))
  const counts: Record<number, number> = {}
  for (const one of [...requests, ...raw]) {
    const status = (await envoy.check(one)).denied_response?.status.code ?? 0
    counts[status] = (counts[status] ?? 0) + 1
  }
  t.comment(JSON.stringify(counts))
  const lines = await ended()
  // what is no check is refused before anybody asks who it is
  const { 400: unreadable = 0, 431: tooLong = 0 } = counts
  t.equal(lines.length, requests.length + raw.length - unreadable - tooLong)
  t.ok(lines.length > 50)
  checkLines(t, file, lines)
})

t.test('over HTTP neither: what is no header is no request, the rest is text', async (t) => {
  const { replica, file, ended } = await start(t)
  let answered = 0
  for (const text of [...HOSTILE, ...BYTES]) {
    const bytes = Buffer.from(text).toString('latin1')
    for (const value of [bytes, text.replaceAll(/[^\0-\xff]/g, '')]) {
      for (const name of ['X-Forwarded-Uri', 'X-Forwarded-Host', 'X-Forward-Auth-Policy', 'X-Request-Id']) {
        const head = `Host: x\r\n${name}: ${value}\r\nConnection: close`
        const answer = await sendRaw(replica.port, `GET /verify HTTP/1.1\r\n${head}\r\n\r\n`)
        if (answer !== undefined && answer.status !== 400) answered++
      }
    }
  }
  const lines = await ended()
  t.ok(answered > 100, `${answered} requests`)
  t.equal(lines.length, answered)
  checkLines(t, file, lines)
})
