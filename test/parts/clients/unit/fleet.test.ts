import t from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import {
  type BlockList, merged, NO_BLOCKS, withBlock, withDeletion, withoutBlock
} from '../../../../src/parts/clients/block-list.ts'

const NAMES = ['a', 'b', 'c'] as ClientName[]
const RUNS = 2000
const STEPS = 40

/** As random as is needed, and the same for a seed. */
function chanceOf (seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * below)
  }
}

type Replica = { held: BlockList, isCut: boolean }

/** Three replicas and a Redis that is flushed, put back, and cut off from some of them. */
function createFleet (chance: (below: number) => number) {
  const replicas: Replica[] = [1, 2, 3].map(() => ({ held: NO_BLOCKS, isCut: false }))
  const said = new Map<ClientName, boolean>()
  let redis: BlockList = NO_BLOCKS
  let snapshot: BlockList = NO_BLOCKS
  const reached = (): Replica[] => replicas.filter(({ isCut }) => !isCut)
  const sync = (replica: Replica): void => { replica.held = redis = merged(redis, replica.held) }
  const syncAll = (): void => reached().forEach(sync)
  const pick = <T>(list: readonly T[]): T => list[chance(list.length)] as T
  /** By whichever replica, whose clock and Redis' may be anywhere. */
  function say (change: (list: BlockList, name: ClientName, now: number) => BlockList | 'full', word: boolean): void {
    const replica = pick(reached())
    const name = pick(NAMES)
    sync(replica)
    const next = change(replica.held, name, 1 + chance(100))
    if (next === 'full') throw new Error('full')
    replica.held = next
    sync(replica)
    const mark = next.get(name)
    // the log tells each that follows it
    if (mark !== undefined) for (const one of reached()) one.held = merged(one.held, new Map([[name, mark]]))
    said.set(name, word && mark?.isBlocked === true)
  }
  /** Those that run have written back what Redis lost. */
  function comeBack (): void {
    syncAll()
    for (const one of replicas) one.isCut = false
    syncAll()
    syncAll()
  }
  const acts: ReadonlyArray<() => void> = [
    () => say(withBlock, true),
    () => say(withBlock, true),
    () => say(withoutBlock, false),
    () => sync(pick(reached())),
    () => { redis = NO_BLOCKS },
    () => { snapshot = redis },
    () => { redis = snapshot },
    () => { if (reached().length > 1) pick(reached()).isCut = true },
    comeBack,
    () => { syncAll(); Object.assign(pick(replicas), { held: redis, isCut: false }) }, // one that starts
    () => { syncAll(); for (const one of replicas) Object.assign(one, { held: redis, isCut: false }) } // or all of them
  ]
  return { act: () => pick(acts)(), comeBack, replicas, reached, said }
}

t.test('whatever is lost, put back, cut off or started: the last word counts', async (t) => {
  let checks = 0
  for (let seed = 1; seed <= RUNS; seed++) {
    const { act, comeBack, replicas, reached, said } = createFleet(chanceOf(seed))
    const wrong = (list: readonly Replica[]): boolean => list.some(({ held }) =>
      [...said].some(([name, isBlocked]) => (held.get(name)?.isBlocked === true) !== isBlocked))
    for (let step = 0; step < STEPS; step++) {
      act()
      checks++
      if (wrong(reached())) return t.fail(`seed ${seed}, step ${step}`)
    }
    comeBack()
    if (wrong(replicas)) return t.fail(`seed ${seed}, at the end`)
  }
  t.equal(checks, RUNS * STEPS)
})

t.test('a deletion that each leader reads again undoes no later lift', async (t) => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const chance = chanceOf(seed)
    const name = NAMES[0] as ClientName
    let list: BlockList = NO_BLOCKS
    for (let time = 0; time <= chance(3); time++) list = withDeletion(list, name, 50) as BlockList
    list = withoutBlock(list, name, chance(100))
    for (let time = 0; time <= chance(3); time++) list = withDeletion(list, name, 50) as BlockList
    t.notOk(list.get(name)?.isBlocked, `seed ${seed}`)
  }
})
