import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { EVERYTHING } from '../helpers/log-entry.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import { follows, KEY, roleOf, STALE_MS, startPair } from '../helpers/redis-pair.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { settled, type LogReplica } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

t.test('for how long a master is followed', { skip: skipOrFail('redis-server') }, async (t) => {
  t.test('a mark of another type takes no proof away', async (t) => {
    const { master } = await startPair(t)
    await master.cli('SET', `${KEY}:mark`, 'x')
    const a = await follows(t, master.port)
    await followsOn(t, a)
  })

  t.test('a silent partition ends following within 3 s, whether anybody writes or not', async (t) => {
    const { master, link } = await startPair(t)
    const a = await follows(t, master.port)
    link.become({ kind: 'half-open' })
    const began = performance.now()
    let elapsedMs = 0
    await until('it does not follow', () => {
      const now = performance.now()
      if (!a.log.isFollowing()) return true
      elapsedMs = now - began // the last time that it was seen to follow: a look may come late
      return false
    }, 60_000)
    t.comment(`not followed after ${Math.round(elapsedMs)} ms`)
    t.ok(elapsedMs < 3500, `${elapsedMs} ms`)
  })

  t.test('a replica that keeps up is a live one, however long nobody writes', async (t) => {
    const { master } = await startPair(t)
    const a = await follows(t, master.port)
    await followsOn(t, a)
  })

  t.test('with Sentinel, a master that lost its only replica is followed on', async (t) => {
    const group = await startSentinelGroup(t)
    const a = await follows(t, group.servers)
    await group.nodes[1]?.stop()
    t.equal(await a.log.revoke(EVERYTHING), 'logged', 'acknowledged on the word of the Sentinels')
    await followsOn(t, a)
  })

  t.test('a planned failover by Sentinel ends following for less than 5 s', async (t) => {
    const group = await startSentinelGroup(t)
    const a = await follows(t, group.servers)
    const first = await group.masterPort()
    await group.sentinel('SENTINEL', 'FAILOVER', 'mymaster')
    const gap = await longestGap(a, async () => {
      await until('another master', async () => await group.masterPort() !== first, 30_000)
      await until('its replica is back', async () => {
        const roles = await Promise.all(group.nodes.map(roleOf))
        return roles.some((role) => role.includes('"slave"') && role.includes('"connected"'))
      }, 60_000)
      await settled(a)
    })
    t.comment(`planned failover: not following for ${gap} ms`)
    t.ok(gap < 5000, `${gap} ms`)
  })

  t.test('a rolling upgrade of both Redis ends following for less than 5 s', async (t) => {
    const group = await startSentinelGroup(t)
    const a = await follows(t, group.servers)
    const first = await group.masterPort()
    const isPaired = async (): Promise<boolean> => {
      const roles = await Promise.all(group.nodes.map(roleOf))
      return roles.some((role) => role.includes('"slave"') && role.includes('"connected"'))
    }
    const gap = await longestGap(a, async () => {
      await group.nodes.find(({ port }) => port !== first)?.restart() // empty: a full resync
      await until('the replica is back', isPaired, 60_000)
      await until('a failover', async () => {
        await group.sentinel('SENTINEL', 'FAILOVER', 'mymaster').catch(() => {})
        return await group.masterPort() !== first
      }, 60_000)
      await until('the old master follows', isPaired, 60_000)
      await group.nodes.find(({ port }) => port === first)?.restart()
      await until('it is back', isPaired, 60_000)
      await settled(a)
    })
    t.comment(`rolling upgrade: not following for ${gap} ms`)
    t.ok(gap < 5000, `${gap} ms`)
  })

  t.test('in a Cluster, a master that lost its only replica is followed on', async (t) => {
    const cluster = await startCluster(t, { withReplicas: true })
    const owner = await cluster.ownerOf(KEY)
    const a = await follows(t, cluster.servers)
    await cluster.replicas[cluster.masters.indexOf(owner)]?.stop()
    t.equal(await a.log.revoke(EVERYTHING), 'logged', 'acknowledged on the word of the Cluster')
    await followsOn(t, a)
  })
})

/** For longer than anything that was learned before counts. */
async function followsOn (t: Test, a: LogReplica): Promise<void> {
  const gap = await longestGap(a, async () => await sleep(2 * STALE_MS))
  t.ok(gap < 1000, `not following for ${gap} ms`)
  t.strictSame([a.troubles, a.counts.doubts], [[], []])
}

/**
 * @returns for how many milliseconds it did not follow, at the longest, while that went on; from the first look on, as
 * this process may stand still
 */
async function longestGap ({ log }: LogReplica, during: () => Promise<void>): Promise<number> {
  let longest = 0
  let since: number | undefined
  const timer = setInterval(() => {
    const now = performance.now()
    since = log.isFollowing() ? undefined : since ?? now
    longest = Math.max(longest, now - (since ?? now))
  }, 10)
  try {
    await during()
  } finally {
    clearInterval(timer)
  }
  return Math.round(longest)
}
