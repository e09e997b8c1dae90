import caching, { type AbstractCacheCompliantObject } from '@fastify/caching'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { startManagement } from '../../../helpers/management.ts'
import { ask, type Answer } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'
import { PROTOCOLS, startInProcessOver } from '../../../helpers/in-process-over.ts'

const TAG = '"tag"'

/** A listener that answers a verify request as ours does, with the plugin over it: what must never be shipped. */
async function withPlugin (t: Test, cache: object | undefined): Promise<FastifyInstance> {
  const app = fastify()
  await app.register(caching, {
    privacy: caching.privacy.NOCACHE, ...(cache === undefined ? {} : { cache: cache as AbstractCacheCompliantObject })
  })
  app.get('/verify', (_request, reply) => { reply.code(401).send() })
  app.get('/page', (_request, reply) => { reply.etag(TAG).send('page') })
  t.teardown(() => app.close())
  return app
}
const conditional = { method: 'GET', url: '/verify', headers: { 'if-none-match': TAG } } as const

t.test('@fastify/caching over a verify route', async (t) => {
  await t.test('answers 304 instead of a refusal, for a tag of any other route', async (t) => {
    const app = await withPlugin(t, undefined)
    t.equal((await app.inject(conditional)).statusCode, 401)
    await app.inject('/page')
    t.equal((await app.inject(conditional)).statusCode, 304)
  })

  await t.test('never answers with a cache that only has promises', async (t) => {
    const app = await withPlugin(t, { get: async () => null, set: async () => {} })
    let isAnswered = false
    app.inject(conditional).then(() => { isAnswered = true }, () => {})
    t.equal((await app.inject('/verify')).statusCode, 401, 'another request is answered meanwhile')
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(isAnswered, false)
  })

  await t.test('fails with its cache', async (t) => {
    const failing = {
      get: (_key: unknown, done: (error: Error) => void) => done(new Error('the cache is down')),
      set: () => {}
    }
    t.equal((await (await withPlugin(t, failing)).inject(conditional)).statusCode, 500)
  })

  await t.test('looks up whatever a client writes, however long', async (t) => {
    const seen: string[] = []
    const noting = {
      get: ({ id }: { id: string }, done: (error: null, found: null) => void) => {
        seen.push(id)
        done(null, null)
      },
      set: () => {}
    }
    const long = 'x'.repeat(8000)
    await (await withPlugin(t, noting)).inject({ ...conditional, headers: { 'if-none-match': long } })
    t.strictSame(seen, [long])
  })
})

const tls = makeTls(t)
const authorization = `Bearer ${demo.alice.accessToken}`

for (const protocol of PROTOCOLS) {
  t.test(`our /verify over ${protocol} knows nothing of it, while the status page does`, async (t) => {
    const simulator = await startSimulator(t)
    const { ask: verify, service } = await startInProcessOver(t, protocol, tls, { AUTHGEAR_ENDPOINT: simulator.url })
    const management = await startManagement(t, service)
    const look = (headers: readonly (readonly [string, string])[]): Promise<Answer> =>
      ask(management, { host: '127.0.0.1', headers })
    const tag = String((await look([])).headers.etag)
    for (const [credentials, status] of [
      [{ authorization }, 200],
      [{}, 401],
      [{ authorization: 'Bearer junk' }, 401]
    ] as const) {
      for (const header of [tag, '*', `W/${tag}`, TAG, 'x'.repeat(8000)]) {
        const answer = await verify({ headers: { ...credentials, 'if-none-match': header } })
        t.equal(answer.status, status, header.slice(0, 20))
        t.match(answer.headers, { etag: undefined, expires: undefined, 'cache-control': 'no-store' })
      }
    }
    for (const app of [service.app.fastify]) {
      t.equal(app.hasReplyDecorator('etag'), false)
      t.equal(app.hasDecorator('cache'), false)
    }
  })
}
