import type { Rule, World } from './rules.ts'
import type { Left } from './state.ts'

const NOTHING: Left = {
  changes: 0,
  ticks: 0,
  flushes: 0,
  saves: 0,
  restores: 0,
  failovers: 0,
  ends: 0,
  cuts: 0,
  rotations: 0,
  whiles: 1,
  givenUp: 0
}

const world = (name: string, left: Partial<Left>, replicas = 2): World =>
  ({ name, replicas, left: { ...NOTHING, ...left } })

/** Each is explored to its end, in a second or two of one core. */
export const WORLDS = {
  loss: world('Redis loses everything, a replica ends', { changes: 2, flushes: 1, ends: 1 }),
  snapshot: world('Redis is put back', { changes: 2, saves: 1, restores: 1 }),
  failover: world('another master, and connections that stay', { changes: 1, failovers: 1, whiles: 2 }),
  cut: world('a replica is cut off', { changes: 2, cuts: 1 }),
  late: world('a client gives up, and asks another replica', { changes: 2, ticks: 1, givenUp: 1 }),
  rotation: world('the secret is rotated, replica by replica', { changes: 1, ends: 2, rotations: 3, whiles: 2 })
} as const satisfies Record<string, World>

/** Some four seconds of one core each. */
export const LARGER_WORLDS = {
  loss: world('Redis loses everything, replicas end', { changes: 2, ticks: 1, flushes: 1, ends: 2, whiles: 2 }),
  snapshot: world('Redis is put back, a replica is cut off', { changes: 2, saves: 1, restores: 1, cuts: 1 }),
  failover: world('another master, and two words', { changes: 2, failovers: 1, whiles: 2 }),
  apart: world('a replica is cut off while others are asked', { changes: 3, cuts: 1 }),
  rotation: world('the secret is rotated while Redis loses everything', {
    changes: 1, flushes: 1, ends: 2, rotations: 2, whiles: 2
  }),
  three: world('three replicas, Redis loses everything', { changes: 1, flushes: 1, ends: 1, cuts: 1, whiles: 2 }, 3)
} as const satisfies Record<string, World>

/** What each rule prevents, and the world that shows it. */
export const WITHOUT: ReadonlyArray<Readonly<{ rule: Rule, world: World, what: RegExp }>> = [
  { rule: 'what was lifted is kept', world: WORLDS.snapshot, what: /lift .* undone/ },
  { rule: 'a replica writes back what Redis lacks', world: WORLDS.loss, what: /lets in/ },
  { rule: 'a block that is said again is a later word', world: LARGER_WORLDS.apart, what: /forgets|lets in/ },
  { rule: 'no clock but that of Redis counts', world: LARGER_WORLDS.apart, what: /forgets|lets in/ },
  { rule: 'what another secret sealed is not overwritten', world: WORLDS.rotation, what: /lets in/ },
  { rule: 'the log tells of it', world: WORLDS.failover, what: /lets in/ },
  { rule: 'a list counts where the log is followed', world: WORLDS.failover, what: /lets in/ },
  { rule: 'what was read counts for a while only', world: WORLDS.cut, what: /lets in/ },
  { rule: 'a change that was given up is not made', world: WORLDS.late, what: /forgets|lets in/ }
]
