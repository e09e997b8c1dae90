import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { FAULTS, type Fault } from './faults.ts'
import { seeded } from './random.ts'
import { startWorld, type World } from './world.ts'

/** A minute in CI; `npm run soak` asks for ten. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 60)
const SEED = Number(process.env['SOAK_SEED'] ?? 20_261_125)
const CLIENTS = 12
/** Milliseconds that a client rests between two requests: load, but no measurement of it. */
const REST = 10
const CROWD = 60

t.setTimeout((SECONDS + 300) * 1000)

t.test(
  `${SECONDS} s of mixed traffic, faults and revocations break no invariant`,
  { skip: skipOrFail('redis-server') },
  async (t) => {
    const world = await startWorld(t)
    const end = performance.now() + SECONDS * 1000
    const isOver = (): boolean => performance.now() >= end
    for (let n = 0; n < CROWD; n++) world.newPerson(n % 3 === 0)
    const clients = Array.from({ length: CLIENTS }, (_, index) => client(world, seeded(SEED + index), isOver))
    const [faults] = await Promise.all([
      misfortune(world, seeded(SEED), isOver),
      revocations(world, seeded(-SEED), isOver),
      ...clients
    ])
    await world.heal()
    t.comment(
      `requests ${world.count.requests}, faults ${[...faults.values()].reduce((sum, one) => sum + one, 0)}, ` +
        `violations ${world.violations.length}`
    )
    t.comment(
      Object.entries(world.count)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')
    )
    t.comment([...faults].map(([name, times]) => `${name} ×${times}`).join(', '))
    t.strictSame(world.violations, [])
    t.strictSame(
      world.replicas.map(({ crashes }) => crashes),
      [0, 0, 0],
      'no process ended by itself'
    )
    const before = world.count.allowed
    for (const person of world.people.slice(-10)) {
      for (const index of [0, 1, 2]) await world.request(index, person, 0, 'none')
    }
    t.ok(world.count.allowed > before, 'and all of it works on')
    t.strictSame(world.violations, [])
  }
)

type Pick = (below: number) => number

/** Asks as anybody, at any replica, in any way; half of it about few, so that much is remembered. */
async function client (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const crowd = pick(2) === 0 ? world.people.slice(-10) : world.people.slice(-2 * CROWD)
    const person = pick(12) === 0 ? undefined : crowd[pick(crowd.length)]
    await world.request(pick(3), person, pick(4), pick(3) === 0 ? 'admin' : 'none')
    await sleep(REST)
  }
}

/** Somebody is disabled now and then, and somebody else comes. */
async function revocations (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const alive = world.people.filter(({ endedAt }) => endedAt === undefined)
    const chosen = alive[pick(alive.length)]
    if (chosen !== undefined) await world.revoke(pick(3), chosen)
    world.newPerson(pick(3) === 0)
    await sleep(200 + pick(600))
  }
}

/**
 * One or two faults at a time, some as long as it takes to notice them; now and then all processes are new, so that
 * none is wary of its Redis for long.
 */
async function misfortune (world: World, pick: Pick, isOver: () => boolean): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const befall = async (fault: Fault): Promise<void> => {
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1)
    const undo = await fault.begin(world, pick)
    await sleep(300 + pick(4000))
    await undo()
  }
  for (let round = 1; !isOver(); round++) {
    const [first, second] = [FAULTS[pick(FAULTS.length)], FAULTS[pick(FAULTS.length)]]
    if (first !== undefined) await befall(first)
    if (second !== undefined && second !== first && pick(2) === 0) {
      await Promise.all([first, second].map((fault) => (fault === undefined ? undefined : befall(fault))))
    }
    if (round % 2 === 0) await world.heal()
    if (round % 6 === 0) await world.restart()
  }
  return counts
}
