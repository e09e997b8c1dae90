import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createUnfinished } from '../../../../src/base/http/unfinished.ts'
import { buildEventsListener, createAppOf } from '../../../../src/parts/events/listener.ts'
import { APPS } from '../../../helpers/event-stream.ts'
import { ask } from '../../../helpers/request.ts'

const SECRET = 'a secret in a message'
const fails = (): never => { throw new Error(SECRET) }

t.test('a defect is logged, its message stays here, and nobody waits for an answer', async (t) => {
  const errors: unknown[] = []
  const { fastify } = buildEventsListener({
    apps: [{ name: 'wiki', token: APPS.wiki }],
    feed: { after: fails, end: fails } as never,
    names: {} as never,
    readers: { hasRoom: () => true, add: fails } as never,
    isFollowing: fails,
    tls: undefined,
    unfinished: createUnfinished(2 ** 20),
    unexpectedError: (error) => { errors.push(error) }
  })
  await fastify.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => fastify.close())
  const { port } = fastify.server.address() as AddressInfo
  const headers = [['Authorization', `Bearer ${APPS.wiki}`]] as const
  const check = { method: 'POST', path: '/events/check', headers, body: '{"sessions":[]}' }
  t.match(await ask(port, check), { status: 500, body: '{"error":"unexpected"}' })
  t.match(errors, [{ message: SECRET }])
  await t.rejects(ask(port, { path: '/events', headers }), 'a stream ends')
  t.match(errors, [{}, { message: SECRET }])
})

t.test('finds an app among a hundred by one digest, and none by another token', async (t) => {
  const apps = Array.from({ length: 100 }, (_, index) => ({ name: `app${index}`, token: `${index}`.padStart(32, 'x') }))
  let digests = 0
  const appOf = createAppOf(apps, (text) => { digests++; return text })
  for (const [authorization, name] of [
    [`Bearer ${apps[99]?.token}`, 'app99'], [`bearer ${apps[99]?.token}`, undefined],
    ['Bearer x', undefined], ['', undefined]
  ] as const) {
    digests = 0
    t.equal(appOf(authorization), name)
    t.equal(digests, 1)
    t.equal(createAppOf(apps)(authorization), name)
  }
})
