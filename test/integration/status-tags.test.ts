import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import {
  addStatus, createTagStore, type StatusDeps, type TagStore
} from '../../src/operate/management/status/routes.ts'
import { createHistory } from '../../src/operate/management/status/history.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { allMetrics } from '../helpers/series.ts'

const ABOUT = { replica: 'here', version: '1', endpoint: 'https://auth.example.com', ttlMs: 30_000 }

function build (t: Test, deps: Partial<StatusDeps>): FastifyInstance {
  const clock = manualClock()
  const history = createHistory({ read: allMetrics().reading, clock })
  const app = fastify()
  addStatus(app, {
    status: () => ({ about: ABOUT, others: [], state: 'serving', samples: history.window() }),
    clock,
    tags: createTagStore(clock),
    machine: 'here',
    hosts: [],
    hasClients: false,
    ...deps
  })
  t.teardown(() => app.close())
  return app
}

const get = async (app: FastifyInstance, tag?: string, host = 'localhost') =>
  await app.inject({ url: '/', headers: { host, ...(tag === undefined ? {} : { 'if-none-match': tag }) } })

t.test('what is longer than a tag of ours is not even looked up', async (t) => {
  const names: string[] = []
  const app = build(t, { tags: { get: (name) => { names.push(name); return undefined }, set: () => {} } })
  for (const length of [64, 65, 10_000]) t.equal((await get(app, 'x'.repeat(length))).statusCode, 200)
  t.strictSame(names, [`/ ${'x'.repeat(64)}`])
})

t.test('nor is anything that comes by a foreign name', async (t) => {
  const names: string[] = []
  const app = build(t, { tags: { get: (name) => { names.push(name); return undefined }, set: () => {} } })
  t.equal((await get(app, '"x"', 'evil.example')).statusCode, 403)
  t.strictSame(names, [])
})

const BAD: ReadonlyArray<readonly [what: string, tags: TagStore]> = [
  ['throws', { get () { throw new Error('x') }, set () { throw new Error('x') } }],
  ['rejects', { get: () => Promise.reject(new Error('x')), set: () => Promise.reject(new Error('x')) }],
  ['never answers', { get: () => new Promise(() => {}), set: () => new Promise(() => {}) }]
]
for (const [what, tags] of BAD) {
  t.test(`with a store that ${what} the page is there all the same`, async (t) => {
    const { statusCode, body } = await get(build(t, { tags }), '"x"')
    t.equal(statusCode, 200)
    t.match(body, 'Minute by minute')
  })
}

t.test('a page that cannot be rendered is one 500, and ends nothing', async (t) => {
  let isBroken = true
  const fine = createHistory({ read: allMetrics().reading, clock: manualClock() })
  const app = build(t, {
    status: () => {
      if (isBroken) throw new Error('a defect')
      return { about: ABOUT, others: [], state: 'serving', samples: fine.window() }
    }
  })
  for (const tag of [undefined, '"x"']) t.equal((await get(app, tag)).statusCode, 500)
  isBroken = false
  t.equal((await get(app, '"x"')).statusCode, 200)
})
