import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE, bearer, startWorld } from './helpers/world.ts'

advisory(t, 'tinyauth CVE-2026-33544', 'state shared by requests answered one with another\'s identity', async (t) => {
  const { adapter, authgear } = await startWorld(t, { AUTHGEAR_MAX_QUEUE: 5000 })
  const people = Array.from({ length: 200 }, (_, i) => ({ id: `user-${i}`, token: String(i).padStart(32, 'T') }))
  for (const { id, token } of people) authgear.controls.addUser({ id, name: id, sessions: [{ accessTokens: [token] }] })
  for (const round of ['first', 'second']) {
    const crowd = people.flatMap((person) => [person, person, person])
    const answers = await Promise.all(
      crowd.map(({ token }) => ask(adapter.port, { path: '/verify', headers: [bearer(token)] }))
    )
    const wrong = answers.filter(
      ({ status, headers }, i) => status !== 200 || headers['x-authgear-user-id'] !== crowd[i]?.id
    )
    t.same(wrong, [], `${round} 600 requests of 200 people at once`)
  }
})

advisory(t, 'Oathkeeper CVE-2026-33496', 'the cache key lacked the introspection URL', async (t) => {
  const [redis, project, other] = await Promise.all([
    startRedis(t),
    startSimulator(t),
    startSimulator(t, { users: [{ id: 'another', name: 'x', sessions: [{ accessTokens: [demo.alice.accessToken] }] }] })
  ])
  const [one, two] = await Promise.all(
    [project, other].map(({ url }) => startInProcess(t, { AUTHGEAR_ENDPOINT: url, REDIS_URL: redis.url }))
  )
  if (one === undefined || two === undefined) throw new Error('no replicas')
  await until('both use Redis', () => [one, two].every(({ service }) => service.redisState() === 'up'))
  for (let i = 0; i < 3; i++) {
    t.equal((await ask(one.port, { path: '/verify', headers: [ALICE] })).headers['x-authgear-user-id'], demo.alice.id)
    t.equal((await ask(two.port, { path: '/verify', headers: [ALICE] })).headers['x-authgear-user-id'], 'another',
      'the same token at another project')
  }
})

advisory(t, 'Authelia GHSA-x883-2vmg-xwf7', 'groups from before a change came back after it', async (t) => {
  const { adapter, authgear, verify } = await startWorld(t, { })
  const hold = authgear.controls.hold('after')
  const answer = verify([ALICE], '?role=admin')
  await hold.arrived(1) // Authgear has said that she is an admin, and the answer is on its way
  authgear.controls.setRoles('alice', [])
  await adapter.service.revocations?.revocations.revoke({
    target: { kind: 'user', userId: demo.alice.id }, origin: 'management', quietMs: 0
  })
  hold.release()
  t.equal((await answer).status, 403, 'the request that was under way')
  for (let i = 0; i < 3; i++) t.equal((await verify([ALICE], '?role=admin')).status, 403, 'and those after it')
})

advisory(t, 'naicoi92/forward-auth-redis', 'an error of Redis logged everybody out', async (t) => {
  const redis = await startRedis(t)
  const { adapter, verify } = await startWorld(t, { REDIS_URL: redis.url })
  await until('Redis is used', () => adapter.service.redisState() === 'up')
  await redis.stop()
  for (const { id, accessToken } of [demo.alice, demo.bob, demo.anonymous]) {
    t.equal((await verify([bearer(accessToken)])).headers['x-authgear-user-id'], id)
  }
  t.equal((await verify([bearer('N'.repeat(32))])).status, 401, 'and nobody is let in for it')
})
