import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import { checkHeld } from '../../../../src/parts/events/check.ts'
import { createToldNames } from '../../../../src/parts/events/told-names.ts'
import { createFeed } from '../../../../src/parts/events/feed.ts'
import type { SessionNames } from '../../../../src/parts/events/session-names.ts'
import type { Revocation } from '../../../../src/base/revocation/types.ts'

const TOLD = 10_000

/** A feed in which so many sessions ended, and what it costs to name them. */
function start (room = TOLD) {
  const feed = createFeed(room)
  feed.begins('log', 0)
  const cost = { names: 0 }
  const ofTarget: SessionNames['ofTarget'] = (app, target) => {
    cost.names++
    return [`${app}-${target.kind === 'token' ? target.id : target.digest}`]
  }
  const told = createToldNames(feed, { ofTarget } as unknown as SessionNames)
  let ended = 0
  const end = (count: number): void => {
    for (let n = 0; n < count; n++) {
      const target = { kind: 'credential', digest: String(ended) as CredentialDigest } as const
      const revocation: Revocation = { target, origin: 'logout', quietMs: 0 }
      feed.read({ id: `${++ended}-0`, revocation } as Parameters<typeof feed.read>[0], ended)
    }
  }
  const check = async (app: string, sessions: readonly string[], since?: number) =>
    (await checkHeld(feed, told, app, sessions.map((session) => ({ session, since })))).revoked
  return { feed, told, cost, end, check }
}

t.test('each name is computed once for an app, however often it checks', async (t) => {
  const { cost, end, check } = start()
  end(TOLD)
  for (const revoked of await Promise.all(Array.from({ length: 60 }, () => check('wiki', ['wiki-7', 'wiki-x'])))) {
    t.strictSame(revoked, ['wiki-7'])
  }
  t.equal(cost.names, TOLD)
  end(1)
  t.strictSame(await check('wiki', ['wiki-10000', 'shop-7']), ['wiki-10000'])
  t.equal(cost.names, TOLD + 1)
  t.strictSame(await check('shop', ['shop-7', 'wiki-7']), ['shop-7'])
})

t.test('a check computes a few names in each turn of the event loop', async (t) => {
  const { cost, end, check } = start()
  end(TOLD)
  let isOver = false
  const checks = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((app) => check(app, [`${app}-0`])))
    .finally(() => { isOver = true })
  let [most, before] = [0, cost.names]
  for (let turn = 0; turn < 10_000 && cost.names < 6 * TOLD; turn++) {
    await nextTurn()
    most = Math.max(most, cost.names - before)
    before = cost.names
  }
  t.strictSame(await checks, ['a', 'b', 'c', 'd', 'e', 'f'].map((app) => [`${app}-0`]))
  t.ok(most <= 6 * 200, `${most} in one turn`)
  t.ok(isOver)
})

t.test('forgets events that are no longer kept, and finds new ones', async (t) => {
  const { feed, end, check, told } = start(100)
  end(50)
  t.strictSame(await check('wiki', ['wiki-0', 'wiki-49']), ['wiki-0', 'wiki-49'])
  end(100)
  t.strictSame(await check('wiki', ['wiki-0', 'wiki-49', 'wiki-50', 'wiki-149']), ['wiki-50', 'wiki-149'])
  end(1000)
  t.strictSame(await check('wiki', ['wiki-149', 'wiki-1149']), ['wiki-1149'])
  feed.lost(2000)
  t.strictSame(await check('wiki', ['wiki-1149']), [])
  t.equal((await told.of('wiki'))('s:wiki-1149'), undefined)
})

t.test('a session that began after the event is not revoked', async (t) => {
  const { end, check } = start()
  end(20_000)
  t.strictSame(await check('wiki', ['wiki-19999'], 14.9), ['wiki-19999'])
  t.strictSame(await check('wiki', ['wiki-19999'], 26), [])
})
