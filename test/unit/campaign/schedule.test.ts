import t from 'tap'
import { kindsFor, LOSSY, mayMeet, roundsOf, type Means, type Round } from '../../campaign/schedule.ts'
import { SETTINGS, SITUATIONS } from '../../campaign/situations.ts'

const MEANS: readonly Means[] = (['standalone', 'sentinel', 'cluster', 'valkey'] as const).flatMap((topology) =>
  [true, false].map((hasKernel) => ({ topology, hasKernel })))
const first = (count: number, seed: number, means: Means): Round[] => {
  const rounds = roundsOf(seed, means)
  return Array.from({ length: count }, () => rounds.next().value as Round)
}

t.test('a seed repeats the schedule, and another one has another', async (t) => {
  for (const means of MEANS) {
    t.strictSame(first(50, 7, means), first(50, 7, means))
    t.notSame(first(50, 7, means), first(50, 8, means))
  }
})

t.test('each kind of fault comes once before any comes first again', async (t) => {
  for (const means of MEANS) {
    const kinds = kindsFor(means)
    const begun = first(kinds.length, 3, means).map(({ faults }) => faults[0]?.kind)
    t.strictSame([...begun].sort(), [...kinds].sort())
  }
})

t.test('without a network namespace no fault needs the kernel', async (t) => {
  for (const means of MEANS.filter(({ hasKernel }) => !hasKernel)) {
    const faults = first(200, 1, means).flatMap((round) => round.faults)
    t.notOk(faults.some((fault) => 'by' in fault && fault.by === 'kernel'))
    if (means.topology === 'sentinel') t.notOk(faults.some(({ kind }) => kind === 'deposed-master'))
  }
})

t.test('the only holder of a revocation is not killed while Redis loses its data', async (t) => {
  for (const { faults } of MEANS.flatMap((means) => first(300, 5, means))) {
    const kinds = faults.map(({ kind }) => kind)
    t.ok(faults.length === 1 || faults.length === 2)
    if (kinds.length === 2) t.ok(mayMeet(kinds[0] ?? 'redis-far', kinds[1] ?? 'redis-far'), kinds.join())
    if (kinds.includes('replica-killed')) t.notOk(kinds.some((kind) => LOSSY.has(kind)), kinds.join())
  }
})

t.test('every fault names replicas that are there, and a situation that has bounds', async (t) => {
  for (const { faults, holdMs } of MEANS.flatMap((means) => first(200, 2, means))) {
    t.ok(holdMs >= 4000 && holdMs < 8000)
    for (const fault of faults) {
      t.ok(fault.kind in SITUATIONS, fault.kind)
      if ('replica' in fault) t.ok(fault.replica >= 0 && fault.replica < SETTINGS.replicas)
      if ('roundTripsMs' in fault) t.ok(fault.roundTripsMs.every((ms) => ms >= 0 && ms <= 50))
    }
  }
})
