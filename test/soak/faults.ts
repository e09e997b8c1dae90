import type { World } from './world.ts'

/** Something that goes wrong for a while. @returns how it ends */
export type Fault = Readonly<{
  name: string
  begin: (world: World, pick: (below: number) => number) => Promise<() => Promise<void> | void>
}>

const nothing = (): void => {}

const authgear = (how: 'error' | 'hang' | 'reset' | 'half-answer' | 'not-http'): Fault => ({
  name: `Authgear: ${how}`,
  begin: async ({ simulator }) => { simulator.controls.fail(how); return () => simulator.controls.recover() }
})

export const FAULTS: readonly Fault[] = [
  authgear('error'),
  authgear('hang'),
  authgear('reset'),
  authgear('half-answer'),
  authgear('not-http'),
  {
    name: 'Authgear is slow',
    begin: async ({ simulator }, pick) => {
      simulator.controls.latency = 50 + pick(400)
      return () => {
        simulator.controls.latency = 0
      }
    }
  },
  {
    name: 'Redis is killed',
    begin: async (world) => {
      const redis = world.master()
      await redis.stop()
      return async () => {
        await redis.restart()
      }
    }
  },
  {
    name: 'Redis is frozen',
    begin: async (world) => { const redis = world.master(); redis.pause(); return () => redis.resume() }
  },
  {
    name: 'Redis is flushed',
    // a frozen one runs it when it thaws
    begin: async (world) => { world.master().cli('FLUSHALL').catch(nothing); return nothing }
  },
  {
    name: 'a failover that loses writes',
    begin: async (world, pick) => {
      await world.partition()
      return async () => { await world.failOver([pick(3)]) }
    }
  },
  {
    name: 'a replica is cut from Redis',
    begin: async (world, pick) => {
      const replica = world.replicas[pick(3)]
      replica?.relay.to(undefined)
      return () => replica?.relay.to(world.master().port)
    }
  },
  {
    name: 'a replica is killed',
    begin: async (world, pick) => {
      const replica = world.replicas[pick(3)]
      await replica?.kill()
      return async () => { await replica?.start() }
    }
  },
  {
    name: 'a replica is stopped',
    begin: async (world, pick) => {
      const replica = world.replicas[pick(3)]
      await replica?.stop()
      return async () => { await replica?.start() }
    }
  },
  {
    name: 'a replica is frozen',
    begin: async (world, pick) => {
      const replica = world.replicas[pick(3)]
      replica?.freeze()
      return () => replica?.thaw()
    }
  }
]
