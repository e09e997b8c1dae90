import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const USERS = 24
const RESOLVER_MS = 200
const WRITE_INTERVAL_MS = 20

/** A writer to the log's two keys. KEYS: stream, head. */
const WRITERS: ReadonlyArray<readonly [who: string, lua: string]> = [
  [
    'a writer that deletes the log all the time',
    "redis.call('DEL', KEYS[1], KEYS[2]) redis.call('XADD', KEYS[1], '*', 'a', 'b')"
  ],
  [
    'a replica of an older version, whose nonces are no digests',
    // it appends what it carries over to each generation that it has not written to yet
    `local gen, nonce = unpack(redis.call('HMGET', KEYS[2], 'gen', 'nonce'))
    if not gen or string.sub(nonce, 1, 3) == 'old' then return end
    local own = 'old' .. gen
    local id = redis.call('XADD', KEYS[1], '*', 'gen', gen, 'nonce', own, 'prev', nonce, 'of', 'x', 'kind', 'user',
      'value', 'bob', 'origin', 'webhook', 'quiet', '0', 'secret', 'x', 'tag', 'x')
    redis.call('HSET', KEYS[2], 'id', id, 'nonce', own)`
  ]
]

/** Runs the script every 20 ms until the test ends. */
function startWriter (t: Test, redis: RedisServer, stream: string, head: string, lua: string): () => number {
  const stop = new AbortController()
  let writes = 0
  const writing = (async () => {
    while (!stop.signal.aborted) {
      await redis.cli('EVAL', lua, '2', stream, head)
      writes++
      await sleep(WRITE_INTERVAL_MS)
    }
  })()
  t.teardown(async () => { stop.abort(); await writing })
  return () => writes
}

for (const [who, lua] of WRITERS) {
  t.test(`${who} costs no answers`, async (t) => {
    const redis = await startRedis(t)
    const simulator = await startSimulator(t)
    simulator.controls.latency = RESOLVER_MS
    const users = Array.from({ length: USERS }, (_, index) => `T${String(index).padStart(31, '0')}`)
    users.forEach((token, index) => {
      simulator.controls.addUser({ id: `u${index}`, name: `u${index}`, sessions: [{ accessTokens: [token] }] })
    })
    const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url })
    await until('it follows', () => adapter.service.redisState() === 'up')
    const [head = ''] = (await redis.cli('KEYS', '*:head')) as string[]
    const writes = startWriter(t, redis, head.replace(/:head$/, ':stream'), head, lua)
    await until('the log was changed many times', () => writes() > 50)
    const answers = await Promise.all(
      users.map((token) => ask(adapter.port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] }))
    )
    const refused = answers.filter(({ status }) => status !== 200).length
    t.comment(`${refused} of ${USERS} not 200, after ${writes()} writes`)
    t.equal(refused, 0)
    t.equal(adapter.service.redisState(), 'down', 'Redis counts as away')
  })
}
