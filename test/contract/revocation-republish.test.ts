import t from 'tap'
import type { LogStore } from '../../src/base/revocation/store.ts'
import { about, user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const KEY = 'test:{log:project}'
const NAMES = Array.from({ length: 900 }, (_, index) => `u${index}`)
/** What a replica appends in one round trip. */
const SLICE = 100

/** Holds appends back while it is closed, and notes them and polls. */
function gated () {
  let [gate, open] = [Promise.resolve(), (): void => {}]
  const seen = { held: 0, polls: 0, appended: [] as string[] }
  const wrap = (store: LogStore): LogStore => ({
    ...store,
    async snapshot (...args) { seen.polls++; return await store.snapshot(...args) },
    async append (...args) {
      seen.held++
      await gate
      seen.appended.push(...args[3].map(({ value }) => value))
      return await store.append(...args)
    }
  })
  const close = (): void => {
    seen.held = 0
    gate = new Promise((resolve) => { open = resolve })
  }
  return { seen, wrap, open: () => open(), close }
}

t.test('a new revocation waits for none of 900 that are republished', async (t) => {
  const redis = await startRedis(t)
  const gates = [gated(), gated(), gated()] as const
  const replicas = gates.map(({ wrap }) => openLogReplica(t, redis.port, { keyPrefix: KEY, wrap }))
  const [[a], [first, ...others]] = [replicas, gates]
  if (a === undefined) throw new Error('no replica')
  await settled(...replicas)
  await Promise.all(NAMES.map((name) => a.log.revoke(user(name))))
  await settled(...replicas)
  for (const gate of gates) gate.close()
  await redis.cli('FLUSHALL')
  await until('each republishes', () => gates.every(({ seen }) => seen.held > 0))
  const polls = gates.map(({ seen }) => seen.polls)
  await until('no poll waits for that, and all follow', () =>
    gates.every(({ seen }, index) => seen.polls >= (polls[index] ?? 0) + 3) &&
    replicas.every(({ log }) => log.isFollowing()))
  const [before, already] = [a.log.snapshot(), first.seen.appended.length]
  const outcome = a.log.revoke(user('new'))
  first.open()
  t.equal(await outcome, 'logged')
  const place = [...new Set(first.seen.appended.slice(already))].indexOf('new')
  t.ok(place >= 0 && place <= SLICE, `entry ${place}: only a slice that was under way came before it`)
  await settled(a)
  for (const { open } of others) open()
  await settled(...replicas)
  t.ok(replicas.every(({ log }) => log.isVoid(about('new'), before)), 'it holds everywhere')
  const entries = Number(await redis.cli('XLEN', `${KEY}:stream`))
  t.ok(entries <= NAMES.length + 2 + 2 * SLICE, `${entries} entries: what another has written is not written again`)
  for (const { troubles, counts } of replicas) {
    t.strictSame([troubles, counts.doubts, counts.adopted], [[], [], 2])
  }
})
