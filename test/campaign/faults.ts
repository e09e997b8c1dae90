import { credential } from '../helpers/log-entry.ts'
import type { RedisServer } from '../helpers/redis.ts'
import { openLogReplica } from '../helpers/stream-log.ts'
import { drop } from './firewall.ts'
import type { Link } from './link.ts'
import { reboot, restore } from './reboots.ts'
import type { Fault } from './schedule.ts'
import { call } from './topologies/calls.ts'
import type { Undo } from './topologies/types.ts'
import type { World } from './world.ts'

const FLAPS = { times: 5, everyMs: 1200 }
/** Of a secret that no replica has: to all of them it is junk. */
const FOREIGN_KEY = Buffer.alloc(32, 9)
/** Five in ten seconds are load, more are left: two rounds with a few of them may follow each other. */
const JUNK_EVERY_MS = { 'junk-few': 3000, 'junk-flood': 50 } as const

const nothing = (): void => {}

/** Begins it. @returns what ends it; what it leaves behind is healed by the world */
export async function begin (world: World, fault: Fault): Promise<Undo> {
  const { topology, replicas, simulator } = world
  const replica = 'replica' in fault ? replicas[fault.replica] : undefined
  const links = [...replica?.links.values() ?? []]
  switch (fault.kind) {
    case 'redis-full': return await fill(topology.nodes)
    case 'redis-flushed': return await flush(await topology.masters())
    case 'redis-killed': return await kill(await topology.master())
    case 'redis-frozen': return await freeze(await topology.master())
    case 'redis-restored': return await restore(world)
    case 'redis-kept': case 'redis-emptied': return await reboot(world, fault)
    case 'redis-far': return delay(world, fault.roundTripsMs)
    case 'planned-failover': await topology.failOver?.(); return nothing
    case 'deposed-master': return await topology.depose(replicas.map((one) => one.links), fault)
    case 'silent-copy': return topology.silenceCopy?.() ?? nothing
    case 'log-flapping': return flap(world)
    case 'junk-few': case 'junk-flood': return writeJunk(world, JUNK_EVERY_MS[fault.kind])
    case 'cut-silent': return fault.by === 'kernel' ? await dropPackets(links, fault.lost) : silence(links, fault.lost)
    case 'cut-reset': for (const link of links) link.become({ kind: 'refused' }); return () => reopen(links)
    case 'replica-frozen': replica?.freeze(); return () => replica?.thaw()
    case 'replica-killed': await replica?.kill(); return async () => await replica?.start()
    case 'replica-stopped': await replica?.stop(); return async () => await replica?.start()
    case 'clock-jump': replica?.setClock(fault.ms); return () => replica?.setClock(0)
    case 'authgear-down': simulator.controls.fail(fault.how); return () => simulator.controls.recover()
    case 'authgear-hangs': simulator.controls.fail('hang'); return () => simulator.controls.recover()
    case 'authgear-slow':
      simulator.controls.latency = fault.ms
      return () => { simulator.controls.latency = world.authgearMs }
  }
}

async function fill (nodes: readonly RedisServer[]): Promise<Undo> {
  const setAll = async (maxmemory: string): Promise<void> => {
    await Promise.all(nodes.map((node) => call(node, 'CONFIG', 'SET', 'maxmemory', maxmemory).catch(nothing)))
  }
  await setAll('1mb')
  return () => setAll('0')
}

/** A frozen one does it when it thaws. */
async function flush (masters: readonly RedisServer[]): Promise<Undo> {
  await Promise.all(masters.map((master) => call(master, 'FLUSHALL').catch(nothing)))
  return nothing
}

async function kill (master: RedisServer): Promise<Undo> {
  await master.stop()
  return () => master.restart()
}

async function freeze (master: RedisServer): Promise<Undo> {
  master.pause()
  return () => master.resume()
}

function delay ({ replicas }: World, roundTripsMs: readonly number[]): Undo {
  const setAll = (of: (index: number) => number): void => {
    replicas.forEach(({ links }, index) => {
      for (const link of links.values()) link.become({ kind: 'open', roundTripMs: of(index) })
    })
  }
  setAll((index) => roundTripsMs[index] ?? 0)
  return () => setAll(() => 0)
}

function flap ({ topology }: World): Undo {
  let left = FLAPS.times
  const timer = setInterval(() => {
    if (left-- <= 0) return clearInterval(timer)
    topology.masters().then(flush).catch(nothing)
  }, FLAPS.everyMs)
  return () => clearInterval(timer)
}

/** A replica with another CACHE_SECRET, which writes as fast as that. */
function writeJunk ({ topology, logKey }: World, everyMs: number): Undo {
  const closing: (() => unknown)[] = []
  const scope = { teardown: (close: () => unknown) => { closing.push(close) } }
  const other = openLogReplica(scope as Parameters<typeof openLogReplica>[0], topology.servers(), {
    keyPrefix: logKey, key: FOREIGN_KEY
  })
  const timer = setInterval(() => { other.log.revoke(credential('nobody')).catch(nothing) }, everyMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(closing.map((close) => close()))
  }
}

function silence (links: readonly Link[], lost: 'both' | 'to' | 'from'): Undo {
  for (const link of links) link.become({ kind: 'silent', lost })
  return () => reopen(links)
}

async function dropPackets (links: readonly Link[], lost: 'both' | 'to' | 'from'): Promise<Undo> {
  const ports = links.map(({ port }) => String(port))
  return await drop([
    ...(lost === 'from' ? [] : ports.map((port) => ['--dport', port])),
    ...(lost === 'to' ? [] : ports.map((port) => ['--sport', port]))
  ])
}

function reopen (links: readonly Link[]): void {
  for (const link of links) link.become({ kind: 'open', roundTripMs: 0 })
}
