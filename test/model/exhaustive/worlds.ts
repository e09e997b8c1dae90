import type { Rule, World } from './rules.ts'

/** Two replicas that follow a single Redis, and one revocation. */
const PLAIN: World = {
  name: '',
  revocations: ['user'],
  faults: {},
  maxFaults: 0,
  hasRedisReplica: false,
  hasSentinels: false,
  hasNearReplica: false,
  isLossFinal: false,
  rotates: false,
  hasFlights: false,
  overtakes: 'nothing',
  meetsLonely: false,
  judgesAcknowledgements: false,
  hasTokens: false,
  maxChanges: 0,
  running: 2
}

/** Every fault that is named may happen as often as it says, in any order. */
function world (name: string, change: Partial<World>): World {
  const maxFaults = Object.values(change.faults ?? {}).reduce((sum, times) => sum + times, 0)
  return { ...PLAIN, maxFaults, ...change, name }
}

const AVAILABLE: Partial<World> = { hasRedisReplica: true, judgesAcknowledgements: true }

export const WORLDS = {
  quiet: world('two revocations, and answers that take time', { revocations: ['user', 'user'], hasFlights: true }),
  start: world('one replica runs, another one starts', { running: 1 }),
  crash: world('two crashes, two revocations', { faults: { crash: 2 }, revocations: ['user', 'user'] }),
  flush: world('FLUSHALL, two revocations', { faults: { flush: 1 }, revocations: ['user', 'user'] }),
  snapshotOnce: world('Redis restarts from an old snapshot, two crashes', {
    faults: { crash: 2, save: 1, restore: 1 }
  }),
  failover: world('a failover that loses writes, a crash', { ...AVAILABLE, faults: { failover: 1, crash: 1 } }),
  partition: world('a silent partition', { ...AVAILABLE, faults: { partition: 1 } }),
  sentinels: world('a silent partition, with Sentinels', {
    ...AVAILABLE, hasSentinels: true, faults: { partition: 1 }
  }),
  twoReplicas: world('a silent partition, with Sentinels and two Redis replicas', {
    ...AVAILABLE, hasSentinels: true, hasNearReplica: true, faults: { partition: 1 }
  }),
  twoReplicasStart: world('a silent partition, a start, with Sentinels and two Redis replicas', {
    ...AVAILABLE, hasSentinels: true, hasNearReplica: true, running: 1, faults: { partition: 1 }
  }),
  lostReplica: world('the only Redis replica is lost for good, with Sentinels', {
    ...AVAILABLE, hasSentinels: true, isLossFinal: true, faults: { loseReplica: 1, crash: 1 }
  }),
  rotation: world('CACHE_SECRET changes, two sign-outs', {
    rotates: true, revocations: ['credential', 'credential'], faults: { crash: 1 }
  }),
  flood: world('junk faster than an answer of Authgear', { overtakes: 'junk', hasFlights: true }),
  rewrite: world('a writer to Redis rewrites an entry, a crash', { faults: { rewrite: 1, crash: 1 } }),
  flappingFlood: world('three times FLUSHALL, faster than an answer of Authgear', {
    maxChanges: 1, overtakes: 'generations', hasFlights: true, faults: { flush: 3 }
  }),
  mixed: world('three faults of five kinds', {
    faults: { crash: 1, flush: 1, save: 1, restore: 1, rewrite: 1 }, maxFaults: 3
  })
} as const satisfies Record<string, World>

/** As the others, with resource tokens. */
export const TOKEN_WORLDS = {
  tokenCrash: world('resource tokens: FLUSHALL, a crash', { hasTokens: true, faults: { flush: 1, crash: 1 } }),
  tokenRestore: world('resource tokens: Redis restarts from an old snapshot, two crashes', {
    hasTokens: true, faults: { crash: 2, save: 1, restore: 1 }
  }),
  tokenFailover: world('resource tokens: a failover that loses writes, a crash', {
    ...AVAILABLE, hasTokens: true, faults: { failover: 1, crash: 1 }
  }),
  tokenPartition: world('resource tokens: a silent partition', {
    ...AVAILABLE, hasTokens: true, faults: { partition: 1 }
  })
} as const satisfies Record<string, World>

/** Larger ones, for which CI has no time. */
export const LARGE_WORLDS = {
  restore: world('Redis restarts from an old snapshot twice, two crashes', {
    faults: { crash: 2, save: 1, restore: 2 }
  }),
  cutOff: world('a silent partition, and a connection back to the deposed master', {
    ...AVAILABLE, faults: { partition: 1, cut: 1 }
  }),
  flapping: world('three times FLUSHALL, a revocation, more than one change is too many', {
    maxChanges: 1, faults: { flush: 3 }
  }),
  three: world('three revocations', { revocations: ['user', 'credential', 'user'] }),
  failover2: world('a failover that loses writes, two revocations', {
    ...AVAILABLE, faults: { failover: 1 }, revocations: ['user', 'user']
  }),
  partitionCrash: world('a silent partition, a crash', { ...AVAILABLE, faults: { partition: 1, crash: 1 } })
} as const satisfies Record<string, World>

/** A process that starts beside a deposed master without replicas and has no Sentinel cannot know: decision 013. */
export const LONELY = world('a silent partition, a start beside the deposed master when it lists no replica', {
  hasRedisReplica: true, meetsLonely: true, running: 1, faults: { partition: 1 }
})

/** With REDIS_URL alone and two Redis replicas nothing can tell: docs/revocation.md. */
export const UNNAMED = world('a silent partition, with two Redis replicas and no Sentinel', {
  hasRedisReplica: true, hasNearReplica: true, faults: { partition: 1 }
})

const ACKNOWLEDGED = 'answers what is older than an acknowledged revocation, after its bound'
const KNOWN = 'answers what is older than a revocation that it knows'
const RESTARTED = 'answers what is older than a revocation, after all started again'
const TOKEN = 'accepts a token that was revoked'
const NO_WAY = 'there is no way back'
/** A deposed master that nobody tells of it, without what the other worlds judge besides. */
const parted = (more: string, change: Partial<World>): World =>
  world(`a silent partition${more}`, { hasRedisReplica: true, faults: { partition: 1 }, ...change })

type Without = Readonly<{ rule: Rule, world: World, breaks: string, finding: string }>
const without = (rule: Rule, world: World, breaks: string, finding = ''): Without => ({ rule, world, breaks, finding })

/** What goes wrong without a rule, and in which world; `finding` is the row of the review that the rule closes. */
export const WITHOUT: readonly Without[] = [
  without('a master proves itself by its replicas', parted('', {}), ACKNOWLEDGED, '1'),
  without('a doubted master acknowledges nothing', WORLDS.partition,
    'acknowledges what only a server has that was deposed long ago', '1'),
  without('more than half of the Sentinels must name it', parted(', with Sentinels', { hasSentinels: true }),
    ACKNOWLEDGED, '1'),
  without('with Sentinels all Redis replicas must prove it',
    parted(', with Sentinels and two Redis replicas', { hasSentinels: true, hasNearReplica: true }), ACKNOWLEDGED,
    'a cut of two Redis replicas'),
  without('most Sentinels must name it once',
    parted(', a start, with Sentinels and two Redis replicas',
      { hasSentinels: true, hasNearReplica: true, running: 1 }),
    ACKNOWLEDGED, 'a cut of two Redis replicas'),
  without('junk beyond a few entries is skipped', WORLDS.flood, 'answers nobody for junk', '2'),
  without('a rate of junk is counted for ten seconds', WORLDS.flood, 'answers nobody for junk',
    '2; found by this model'),
  without('what is older than skipped junk is void', WORLDS.rotation, KNOWN, '2'),
  without('generations that change too often are not adopted', WORLDS.flappingFlood,
    'answers nobody for generations', '2'),
  without('Sentinels prove a master', WORLDS.lostReplica, NO_WAY, '4'),
  without('a log is believed only in its history', WORLDS.snapshotOnce, RESTARTED, '5'),
  without('also one that was adopted and not read', WORLDS.snapshotOnce, RESTARTED, '5; found by this model'),
  without('also by a replica that has followed another', LARGE_WORLDS.restore, RESTARTED, '5; found by this model'),
  without('new revocations go first', WORLDS.flush, 'writes an old revocation before a new one', '6'),
  without('revocations are carried over', world('FLUSHALL', { faults: { flush: 1 } }), NO_WAY, '6'),
  without('nothing is shared while some are carried over', parted(', a start', { running: 1 }), KNOWN, '6'),
  without('a nonce is a digest of its entry', WORLDS.rewrite, ACKNOWLEDGED, '10'),
  without('ready means that the log is followed', WORLDS.start, 'forgets what it resolved after it said ready', '14'),
  without('a poll links up', LARGE_WORLDS.failover2, ACKNOWLEDGED),
  without('an entry is trusted at positions read', LARGE_WORLDS.failover2, KNOWN),
  without('a revocation holds here at once', WORLDS.quiet, KNOWN),
  without('a snapshot is taken before the question', WORLDS.quiet, KNOWN),
  without('a token from before the log began is unknown', TOKEN_WORLDS.tokenRestore, TOKEN),
  without('cut off, older tokens are unknown', TOKEN_WORLDS.tokenPartition, TOKEN),
  without('following a deposed master covers no gap', TOKEN_WORLDS.tokenPartition, TOKEN)
]
