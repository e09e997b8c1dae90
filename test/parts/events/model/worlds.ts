import type { Rule, World } from './rules.ts'
import type { Left } from './state.ts'

const NOTHING: Left = {
  revocations: 0, breaks: 0, flushes: 0, failovers: 0, ends: 0, cuts: 0, trims: 0, junk: 0, stalls: 0, rotations: 0
}

const world = (name: string, left: Partial<Left>, some: Partial<World> = {}): World =>
  ({ name, replicas: 2, skipsJunk: false, ...some, left: { ...NOTHING, ...left } })

/** Each is explored to its end, in a second or two of one core. */
export const WORLDS = {
  loss: world('Redis loses everything', { revocations: 1, flushes: 1 }),
  behind: world('more is told than is kept', { revocations: 3, breaks: 1, stalls: 1 }, { replicas: 1 }),
  junk: world('somebody writes junk', { revocations: 1, junk: 1, breaks: 1 }),
  ends: world('replicas stop, are killed and start', { revocations: 1, ends: 2 }),
  again: world('streams break, and break again', { revocations: 2, breaks: 2 }),
  rotation: world('the secret is rotated', { revocations: 1, rotations: 1, ends: 1, breaks: 1 })
} as const satisfies Record<string, World>

/** Some seconds of one core each, up to half a minute. */
export const LARGER_WORLDS = {
  loss: world('Redis loses everything, and streams break', { revocations: 1, flushes: 1, breaks: 1 }),
  lossAndEnd: world('Redis loses everything, a replica ends', { revocations: 1, flushes: 1, ends: 1 }),
  apart: world('a replica is cut off, Redis loses everything', { revocations: 1, cuts: 1, flushes: 1 }),
  cuts: world('a replica is cut off, and streams break', { revocations: 2, cuts: 1, breaks: 1 }),
  trim: world('the log is trimmed, a replica ends', { revocations: 2, trims: 1, ends: 1 }),
  failover: world('another master, and connections that stay', { revocations: 1, failovers: 1, breaks: 1 }),
  junk: world('junk is skipped', { revocations: 1, junk: 1, breaks: 1 }, { skipsJunk: true }),
  skipping: world(
    'the secret is rotated, and what is foreign is skipped',
    { revocations: 1, rotations: 1, ends: 1, breaks: 1 },
    { skipsJunk: true }
  )
} as const satisfies Record<string, World>

/** What each rule prevents, and the world that shows it. */
export const WITHOUT: ReadonlyArray<Readonly<{ rule: Rule, world: World }>> = [
  { rule: 'another log resets', world: WORLDS.loss },
  { rule: 'what nobody can believe resets', world: WORLDS.rotation },
  { rule: 'behind what was skipped nobody has a place', world: LARGER_WORLDS.skipping },
  { rule: 'a place names its log', world: LARGER_WORLDS.loss },
  { rule: 'what was dropped is no place', world: WORLDS.behind },
  { rule: 'who comes back is at its own place until it is told more', world: WORLDS.again }
]
