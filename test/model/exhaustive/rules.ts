/** Each is one rule of the ledger and its follower, so that it can be left out. */
export const RULES = [
  'what is taken holds at once', 'the time is noted before the question',
  'the revocation itself confirms, not its name',
  'an entry counts in its log alone', 'what a new log lacks is written',
  'the head counts the entries', 'a log is believed in its history alone', 'another server makes everything void'
] as const
export type Rule = typeof RULES[number]

export type Fault = 'flush' | 'evict' | 'failover' | 'restore' | 'crash' | 'reboot'

/** Two replicas, one session, revocations that all name it, and so many faults. */
export type World = Readonly<{
  name: string
  revocations: number
  faults: readonly Fault[]
  maxFaults: number
  /** The first replica alone takes revocations and asks Authgear, so that there is less to look at. */
  isOneSided: boolean
}>
export type Rules = Readonly<{ world: World, without: Rule | undefined }>

const world = (name: string, revocations: number, maxFaults: number, ...faults: Fault[]): World =>
  ({ name, revocations, faults, maxFaults, isOneSided: revocations * maxFaults > 1 && maxFaults < 2 })

export const WORLDS = {
  calm: world('two revocations, no fault', 2, 0),
  flush: world('FLUSHALL', 1, 1, 'flush'),
  evict: world('the stream is evicted, a crash', 1, 2, 'evict', 'crash'),
  failover: world('a failover that loses a write, two revocations', 2, 1, 'failover'),
  restore: world('Redis restarts from a snapshot, a crash', 1, 2, 'restore', 'crash'),
  reboot: world('all start again beside an old snapshot', 1, 1, 'reboot')
} as const

/** The shortest way to what goes wrong without a rule is in this world. */
export const WITHOUT: ReadonlyArray<readonly [Rule, World]> = [
  ['what is taken holds at once', WORLDS.calm],
  ['the time is noted before the question', WORLDS.calm],
  ['the revocation itself confirms, not its name', WORLDS.calm],
  ['an entry counts in its log alone', WORLDS.failover],
  ['what a new log lacks is written', WORLDS.flush],
  ['the head counts the entries', WORLDS.evict],
  ['a log is believed in its history alone', WORLDS.reboot],
  ['another server makes everything void', WORLDS.restore]
]
