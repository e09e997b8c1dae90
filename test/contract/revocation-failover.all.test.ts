import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { freePort } from '../helpers/free-port.ts'
import { EVERYTHING } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import { follows, KEY, roleOf, STALE_MS, startPair } from '../helpers/redis-pair.ts'
import { startSentinelGroup, type SentinelGroup } from '../helpers/redis-sentinel.ts'
import { openLogReplica, PATIENCE_MS, settled, type LogReplica } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

t.test('for how long a master is followed', async (t) => {
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

  t.test('a replica that keeps up is live, however long the log is silent', async (t) => {
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

  t.test('a master cut off with one of two Redis replicas and one Sentinel is left in 3 s', async (t) => {
    const group = await startSentinelGroup(t)
    const { a, part, heal } = await onTheLesserSide(t, group)
    part('half-open')
    await until('it does not follow', () => !a.log.isFollowing(), 60_000)
    await until('a line says so', () => a.troubles.some((line) => line.includes('acknowledge')))
    a.pendAfter(1000)
    t.equal(await a.log.revoke(EVERYTHING), 'pending', 'the other side would never hear of it')
    a.pendAfter(PATIENCE_MS)
    heal()
    await settled(a)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
  })

  t.test('also where the other Redis replica is not listed any more', async (t) => {
    const group = await startSentinelGroup(t)
    const { a, part, listed } = await onTheLesserSide(t, group)
    part('refused')
    await until('one is listed', async () => await listed() === 1)
    await until('it does not follow', () => !a.log.isFollowing(), 60_000)
    const b = openLogReplica(t, a.place, { keyPrefix: KEY })
    const isTold = () => b.troubles.some((line) => line.includes('acknowledge'))
    await until('another that starts there tells it', isTold, 60_000)
    t.notOk(b.log.isFollowing(), 'and does not follow')
  })

  t.test('a planned failover by Sentinel ends following for less than 5 s', async (t) => {
    const group = await startSentinelGroup(t)
    const a = await follows(t, group.servers)
    const first = await group.masterPort()
    await group.failOver()
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

  t.test('in a Cluster, a revocation that one of two Redis replicas lacks is pending', async (t) => {
    const cluster = await startCluster(t, { withReplicas: true })
    const owner = await cluster.ownerOf(KEY)
    const second = cluster.replicas[(cluster.masters.indexOf(owner) + 1) % cluster.replicas.length]
    await second?.cli('CLUSTER', 'REPLICATE', String(await owner.cli('CLUSTER', 'MYID')))
    await until('it has two', async () => (await owner.cli('ROLE') as [string, number, unknown[]])[2].length === 2)
    const a = await follows(t, cluster.servers)
    second?.pause()
    a.pendAfter(1000)
    t.equal(await a.log.revoke(EVERYTHING), 'pending', 'it may be the one that takes over')
    second?.resume()
    a.pendAfter(PATIENCE_MS)
    t.equal(await a.log.revoke(EVERYTHING), 'logged')
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

/**
 * A master with two Redis replicas, and a replica of ours; the ways from there to one Redis replica and to two of three
 * Sentinels can be cut together.
 */
async function onTheLesserSide (t: Test, { nodes: [master], servers }: SentinelGroup) {
  if (master === undefined || servers.kind !== 'sentinel') throw new Error('no Sentinels')
  const [near, ...far] = servers.sentinels
  const link = await startBadNetwork(t, master.port)
  // Sentinels that reached it would send it past the link
  const hidden = ['--replica-announce-port', String(await freePort())]
  const copy = await startRedis(t, { args: [...hidden, '--replicaof', '127.0.0.1', String(link.port)] })
  await until('it has a replica', async () => (await roleOf(copy)).includes('"connected"'), 30_000)
  const ways = await Promise.all(far.map(({ port }) => startBadNetwork(t, port)))
  const sentinels = [near, ...ways].flatMap((one) => one === undefined ? [] : [{ host: '127.0.0.1', port: one.port }])
  const place = { ...servers, sentinels }
  const a = await follows(t, place)
  const all = [link, ...ways]
  const become = (kind: 'fair' | 'half-open' | 'refused'): void => { for (const one of all) one.become({ kind }) }
  return {
    a: { ...a, place },
    part: (kind: 'half-open' | 'refused') => {
      become(kind)
      if (kind === 'refused') for (const one of all) one.cut()
    },
    heal: () => { become('fair'); for (const one of all) one.cut() },
    listed: async () => (await master.cli('ROLE') as [string, number, unknown[]])[2].length
  }
}
