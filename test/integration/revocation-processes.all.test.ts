import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { startWorld, type World } from '../processes/world.ts'

/** The model's faults (test/model) on real processes and a real Redis; fewer, since each takes seconds. */
const RUNS = Number(process.env['PROCESS_RUNS'] ?? 6)
const SEED = Number(process.env['PROCESS_SEED'] ?? 20_261_125)
/** People whose sessions are there at the beginning of each run. */
const CROWD = 6

type Command =
  | Readonly<{ kind: 'request', replica: number, person: number, way: number }>
  | Readonly<{ kind: 'revoke' | 'burst', replica: number, person: number }>
  | Readonly<{ kind: 'cut' | 'join' | 'freeze' | 'thaw' | 'kill' | 'start', replica: number }>
  | Readonly<{ kind: 'pass', ms: number }>
  | Readonly<{ kind: 'failover', stays: readonly number[] }>
  | Readonly<{ kind: 'outage', how: 'reset' | 'hang' | 'error' }>
  | Readonly<{ kind: 'flush' | 'pause' | 'resume' | 'partition' | 'recover' }>

const replica = fc.nat({ max: 2 })
const person = fc.nat({ max: CROWD - 1 })
const one = <K extends string>(kind: K): fc.Arbitrary<K> => fc.constant(kind)
const COMMANDS: ReadonlyArray<fc.WeightedArbitrary<Command>> = [
  { weight: 8, arbitrary: fc.record({ kind: one('request'), replica, person, way: fc.nat({ max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: one('burst'), replica, person }) },
  { weight: 5, arbitrary: fc.record({ kind: one('revoke'), replica, person }) },
  { weight: 4, arbitrary: fc.record({ kind: one('pass'), ms: fc.constantFrom(20, 200, 700, 1500) }) },
  ...(['cut', 'join', 'freeze', 'thaw', 'kill', 'start'] as const).map((kind) => ({
    weight: 1, arbitrary: fc.record({ kind: one(kind), replica })
  })),
  { weight: 1, arbitrary: fc.record({ kind: one('outage'), how: fc.constantFrom('reset', 'hang', 'error') }) },
  ...(['flush', 'pause', 'resume', 'partition', 'recover'] as const).map((kind) => ({
    weight: 1, arbitrary: fc.record({ kind: one(kind) })
  })),
  { weight: 1, arbitrary: fc.record({ kind: one('failover'), stays: fc.subarray([0, 1, 2], { maxLength: 2 }) }) }
]
const sequences = fc.array(fc.oneof(...COMMANDS), { minLength: 20, maxLength: 30 })

t.setTimeout(20 * 60_000)

t.test(
  'whatever befalls three processes and their Redis, I1, I2 and I3 hold',
  { skip: skipOrFail('redis-server') },
  async (t) => {
    const world = await startWorld(t)
    let commands = 0
    for (const sequence of fc.sample(sequences, { numRuns: RUNS, seed: SEED })) {
      for (let n = 0; n < CROWD; n++) world.newPerson(n % 2 === 0)
      await everybody(world)
      const revoking: Promise<void>[] = []
      for (const command of sequence) {
        commands++
        await perform(world, command, revoking)
      }
      await world.heal()
      await Promise.all(revoking)
      await world.heal()
      await everybody(world)
      for (const what of await stillAccepted(world)) t.fail(what)
      t.strictSame(world.violations, [], JSON.stringify(sequence))
      world.people.length = 0
      await world.restart()
    }
    t.strictSame(world.replicas.map(({ crashes }) => crashes), [0, 0, 0], 'none of them ended by itself')
    t.comment(
      `${RUNS} runs, ${commands} commands: ${Object.entries(world.count)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}`
    )
    const { unanswered: _, stale: __, ...each } = world.count
    for (const [name, value] of Object.entries(each)) t.ok(value > 0, `${name}: ${value}`)
  }
)

const latest = ({ people }: World, index: number) => people.slice(-CROWD)[index]

async function everybody (world: World): Promise<void> {
  await Promise.all(
    world.people.flatMap((person) => [0, 1, 2].map((index) => world.request(index, person, index, 'none')))
  )
}

/** All follow the current master's log: nothing that was acknowledged is accepted, and nobody else is kept out. */
async function stillAccepted ({ people, replicas }: World): Promise<string[]> {
  const wrong = people.flatMap((person) => replicas.map(async (replica, index) => {
    const { status } = await replica.ask({ path: '/verify', headers: [['Authorization', `Bearer ${person.token}`]] })
    const expected = person.endedAt === undefined ? 200 : 401
    return status === expected ? '' : `replica ${index} answers ${status} instead of ${expected}, when all is well`
  }))
  return (await Promise.all(wrong)).filter((what) => what !== '')
}

async function perform (world: World, command: Command, revoking: Promise<void>[]): Promise<void> {
  const some = 'replica' in command ? world.replicas[command.replica] : undefined
  switch (command.kind) {
    case 'request':
      world.request(command.replica, latest(world, command.person), command.way, 'none').catch(() => {})
      return
    case 'burst':
      return burst(world, command.person)
    case 'revoke':
      return revoke(world, command, revoking)
    case 'pass':
      await sleep(command.ms)
      return
    case 'cut':
      some?.relay.to(undefined)
      return
    case 'join':
      some?.relay.to(world.master().port)
      return
    case 'freeze':
      some?.freeze()
      return
    case 'thaw':
      some?.thaw()
      return
    case 'kill':
      await some?.kill()
      return
    case 'start':
      if (some?.isUp === false) await some.start()
      return
    case 'outage':
      world.simulator.controls.fail(command.how)
      return
    case 'recover':
      world.simulator.controls.recover()
      return
    case 'flush':
      world.master().cli('FLUSHALL').catch(() => {})
      return // a frozen one runs it when it thaws
    case 'pause':
      world.master().pause()
      return
    case 'resume':
      world.master().resume()
      return
    case 'partition':
      return await world.partition()
    case 'failover':
      await world.failOver(command.stays)
  }
}

function burst (world: World, index: number): void {
  for (let n = 0; n < 9; n++) {
    world.request(n % 3, latest(world, index), n, n % 2 === 0 ? 'none' : 'admin').catch(() => {})
  }
}

function revoke (
  world: World,
  { replica, person }: Readonly<{ replica: number, person: number }>,
  revoking: Promise<void>[]
): void {
  const chosen = latest(world, person)
  if (chosen !== undefined) revoking.push(world.revoke(replica, chosen))
}
