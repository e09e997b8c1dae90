/** What one exploration is about: a world with its faults, and the rules of the protocol that it goes without. */

/** What a revocation names; another kind is one more row of MEANS_THE_SAME. */
export type Kind = 'user' | 'credential'

/** Whether a name means the same under every CACHE_SECRET: `codec.ts`, `decode`. */
export const MEANS_THE_SAME: Readonly<Record<Kind, boolean>> = { user: true, credential: false }

export const FAULTS = [
  'crash', 'cut', 'flush', 'save', 'restore', 'failover', 'partition', 'loseReplica', 'rewrite'
] as const
export type Fault = typeof FAULTS[number]

/** Each is one rule of the protocol, so that it can be left out. */
export const RULES = [
  'a master proves itself by its replicas', 'Sentinels prove a master', 'more than half of the Sentinels must name it',
  'with Sentinels all Redis replicas must prove it', 'most Sentinels must name it once',
  'a doubted master acknowledges nothing', 'junk beyond a few entries is skipped',
  'a rate of junk is counted for ten seconds', 'generations that change too often are not adopted',
  'what is older than skipped junk is void', 'a log is believed only in its history',
  'also one that was adopted and not read', 'also by a replica that has followed another', 'new revocations go first',
  'revocations are carried over', 'nothing is shared while some are carried over', 'a nonce is a digest of its entry',
  'ready means that the log is followed', 'a poll links up', 'an entry is trusted at positions read',
  'no generation comes back', 'a revocation holds here at once', 'a snapshot is taken before the question',
  'a token from before the log began is unknown', 'cut off, older tokens are unknown',
  'following a deposed master covers no gap'
] as const
export type Rule = typeof RULES[number]

export type World = Readonly<{
  name: string
  revocations: readonly Kind[]
  /** How often each fault happens at most. */
  faults: Partial<Readonly<Record<Fault, number>>>
  /** All faults together, at most. */
  maxFaults: number
  /** The second server is a Redis replica; else it is the place of a snapshot on disk. */
  hasRedisReplica: boolean
  hasSentinels: boolean
  /** The master has one more Redis replica, which stays on its side of a partition. */
  hasNearReplica: boolean
  /** A Redis replica that is lost never comes back. */
  isLossFinal: boolean
  /** A replica that starts may have another CACHE_SECRET. */
  rotates: boolean
  /** Questions to Authgear take time. */
  hasFlights: boolean
  /** What comes faster than an answer of Authgear, and voids it; revocations are not taken meanwhile. */
  overtakes: 'nothing' | 'junk' | 'generations'
  /** A deposed master may be met when it lists no Redis replica any more: the bound that the docs name. */
  meetsLonely: boolean
  /** Whether it is wrong to acknowledge what only a master has that was deposed for longer than 3 s. */
  judgesAcknowledgements: boolean
  /** Resource tokens, one for each user, were issued before all revocations, and never by the adapter's own word. */
  hasTokens: boolean
  /** Changes of generation in ten minutes before Redis counts as away; 0: not in this world. */
  maxChanges: number
  /** Replicas that run at the beginning. */
  running: number
}>

export type Rules = Readonly<{ world: World, without: ReadonlySet<Rule> }>

export const obeys = ({ without }: Rules, rule: Rule): boolean => !without.has(rule)

/** Junk within a window that counts as `everything`: five in the code. */
export const MAX_JUNK = 1
