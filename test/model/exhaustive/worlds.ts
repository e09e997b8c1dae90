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

const OLDER = 'answers what is older than'
const NO_WAY = 'there is no way back'

/** What goes wrong without a rule, and in which world; `finding` is the row of the review that the rule closes. */
export const WITHOUT: ReadonlyArray<Readonly<{ rule: Rule, world: World, breaks: string, finding: string }>> = [
  {
    rule: 'a master proves itself by its replicas',
    world: world('a silent partition', { hasRedisReplica: true, faults: { partition: 1 } }),
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: '1'
  },
  {
    rule: 'a doubted master acknowledges nothing',
    world: WORLDS.partition,
    breaks: 'acknowledges what only a server has that was deposed long ago',
    finding: '1'
  },
  {
    rule: 'more than half of the Sentinels must name it',
    world: world('a silent partition, with Sentinels', {
      hasRedisReplica: true, hasSentinels: true, faults: { partition: 1 }
    }),
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: '1'
  },
  {
    rule: 'with Sentinels all Redis replicas must prove it',
    world: world('a silent partition, with Sentinels and two Redis replicas', {
      hasRedisReplica: true, hasSentinels: true, hasNearReplica: true, faults: { partition: 1 }
    }),
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: 'a cut of two Redis replicas'
  },
  {
    rule: 'most Sentinels must name it once',
    world: world('a silent partition, a start, with Sentinels and two Redis replicas', {
      hasRedisReplica: true, hasSentinels: true, hasNearReplica: true, running: 1, faults: { partition: 1 }
    }),
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: 'a cut of two Redis replicas'
  },
  {
    rule: 'junk beyond a few entries is skipped', world: WORLDS.flood, breaks: 'answers nobody for junk', finding: '2'
  },
  {
    rule: 'a rate of junk is counted for ten seconds',
    world: WORLDS.flood,
    breaks: 'answers nobody for junk',
    finding: '2; found by this model'
  },
  {
    rule: 'what is older than skipped junk is void',
    world: WORLDS.rotation,
    breaks: `${OLDER} a revocation that it knows`,
    finding: '2'
  },
  {
    rule: 'generations that change too often are not adopted',
    world: WORLDS.flappingFlood,
    breaks: 'answers nobody for generations',
    finding: '2'
  },
  { rule: 'Sentinels prove a master', world: WORLDS.lostReplica, breaks: NO_WAY, finding: '4' },
  {
    rule: 'a log is believed only in its history',
    world: WORLDS.snapshotOnce,
    breaks: `${OLDER} a revocation, after all started again`,
    finding: '5'
  },
  {
    rule: 'also one that was adopted and not read',
    world: WORLDS.snapshotOnce,
    breaks: `${OLDER} a revocation, after all started again`,
    finding: '5; found by this model'
  },
  {
    rule: 'also by a replica that has followed another',
    world: LARGE_WORLDS.restore,
    breaks: `${OLDER} a revocation, after all started again`,
    finding: '5; found by this model'
  },
  {
    rule: 'new revocations go first',
    world: WORLDS.flush,
    breaks: 'writes an old revocation before a new one',
    finding: '6'
  },
  {
    rule: 'revocations are carried over',
    world: world('FLUSHALL', { faults: { flush: 1 } }),
    breaks: NO_WAY,
    finding: '6'
  },
  {
    rule: 'nothing is shared while some are carried over',
    world: world('a silent partition, a start', { hasRedisReplica: true, running: 1, faults: { partition: 1 } }),
    breaks: `${OLDER} a revocation that it knows`,
    finding: '6'
  },
  {
    rule: 'a nonce is a digest of its entry',
    world: WORLDS.rewrite,
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: '10'
  },
  {
    rule: 'ready means that the log is followed',
    world: WORLDS.start,
    breaks: 'forgets what it resolved after it said ready',
    finding: '14'
  },
  {
    rule: 'a poll links up',
    world: LARGE_WORLDS.failover2,
    breaks: `${OLDER} an acknowledged revocation, after its bound`,
    finding: ''
  },
  {
    rule: 'an entry is trusted at positions read',
    world: LARGE_WORLDS.failover2,
    breaks: `${OLDER} a revocation that it knows`,
    finding: ''
  },
  {
    rule: 'a revocation holds here at once',
    world: WORLDS.quiet,
    breaks: `${OLDER} a revocation that it knows`,
    finding: ''
  },
  {
    rule: 'a snapshot is taken before the question',
    world: WORLDS.quiet,
    breaks: `${OLDER} a revocation that it knows`,
    finding: ''
  },
  {
    rule: 'a token from before the log began is unknown',
    world: TOKEN_WORLDS.tokenRestore,
    breaks: 'accepts a token that was revoked',
    finding: ''
  },
  {
    rule: 'cut off, older tokens are unknown',
    world: TOKEN_WORLDS.tokenPartition,
    breaks: 'accepts a token that was revoked',
    finding: ''
  },
  {
    rule: 'following a deposed master covers no gap',
    world: TOKEN_WORLDS.tokenPartition,
    breaks: 'accepts a token that was revoked',
    finding: ''
  }
]
