import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { BodyTaker, ExchangeDeps } from '../../../src/base/http/exchange.ts'
import { buildListener } from '../../../src/base/http/listener.ts'
import { WEBHOOK_PATH } from '../../../src/base/http/paths.ts'
import { NO_CONTENT } from '../../../src/base/http/success.ts'
import type { Handler } from '../../../src/base/http/types.ts'
import { buildManagement } from '../../../src/base/management/listener.ts'
import { listenerBounds } from '../../helpers/listener-bounds.ts'
import { ask, type Asked } from '../../helpers/request.ts'
import { allMetrics } from '../../helpers/series.ts'

const SECRET = 'a secret in a message'
const fails = (): never => { throw new Error(SECRET) }

/** A main listener whose dependencies a test replaces. */
async function startMain (
  t: Test, given: Partial<ExchangeDeps>, handler: Handler, take: BodyTaker, broken?: 'before the handler'
) {
  const errors: unknown[] = []
  const deps = {
    report: () => {},
    notFound: () => t.fail('it is no unknown path'),
    unexpectedError: (error: unknown) => { errors.push(error) },
    trustProxy: () => false,
    forwardedForIgnored: () => {},
    ...given
  }
  const { fastify } = buildListener(
    { ...deps, tls: undefined, bounds: listenerBounds() }, [{ path: '/verify', endpoint: 'verify', handler }], take
  )
  if (broken !== undefined) fastify.addHook('onRequest', fails)
  await fastify.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => fastify.close())
  const { port } = fastify.server.address() as AddressInfo
  return { errors, answer: (asked: Asked) => ask(port, asked).then(({ status }) => status, ({ code }) => code) }
}

const take: BodyTaker = async () => ({ status: NO_CONTENT, isWhole: true })
const VERIFY = { path: '/verify' }
const WEBHOOK = { method: 'POST', path: WEBHOOK_PATH, headers: [['X-Forwarded-For', '192.0.2.1']] as const }

t.test('a defect on the main listener is logged, and the connection just ends', async (t) => {
  const rows: ReadonlyArray<readonly [name: string, asked: Asked, start: () => ReturnType<typeof startMain>]> = [
    ['a handler that throws', VERIFY, () => startMain(t, {}, fails, take)],
    ['one that rejects', VERIFY, () => startMain(t, {}, async () => fails(), take)],
    ['the taker of bodies', WEBHOOK, () => startMain(t, {}, fails, fails)],
    ['the client’s address for it', WEBHOOK, () => startMain(t, { trustProxy: fails }, fails, take)],
    ['what runs before the webhook', WEBHOOK, () => startMain(t, {}, fails, take, 'before the handler')]
  ]
  for (const [name, asked, start] of rows) {
    const { errors, answer } = await start()
    t.equal(await answer(asked), 'ECONNRESET', name)
    t.match(errors, [{ message: SECRET }], `${name}: once`)
  }
})

t.test('a defect on the management listener is logged, and its message stays here', async (t) => {
  const errors: unknown[] = []
  const app = buildManagement({
    readiness: { state: () => 'serving', redis: () => 'none', authgear: () => 'ok' },
    metrics: allMetrics(),
    about: { replica: 'a', version: '1', endpoint: 'https://auth.example.com', ttlMs: 0, entrance: undefined },
    machine: 'a',
    hosts: [],
    unexpectedError: (error) => { errors.push(error) },
    revocations: undefined,
    documents: [{ path: '/document', endpoint: 'jwks', read: fails }],
    ofParts: [{ routes: (scope) => { scope.get('/part', fails).post('/part', async () => 'ok') } }]
  })
  t.teardown(() => app.close())
  for (const path of ['/document', '/part']) {
    t.match(await app.inject(path), { statusCode: 500, body: '{"error":"unexpected"}' }, path)
  }
  t.match(errors, [{ message: SECRET }, { message: SECRET }])
  const headers = { 'content-type': 'application/json' }
  t.match(await app.inject({ method: 'POST', url: '/part', headers, payload: '{' }), { statusCode: 400, body: /JSON/ })
  t.equal(errors.length, 2, 'what the client did wrong is no defect')
})
