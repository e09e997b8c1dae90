export type SituationId =
  | 'healthy'
  | 'redis-far' | 'redis-full' | 'redis-flushed' | 'redis-killed' | 'redis-frozen' | 'redis-restored'
  | 'planned-failover' | 'deposed-master' | 'silent-copy' | 'log-flapping' | 'junk-few' | 'junk-flood'
  | 'cut-silent' | 'cut-reset' | 'replica-frozen' | 'replica-killed' | 'replica-stopped' | 'clock-jump'
  | 'authgear-down' | 'authgear-hangs' | 'authgear-slow'

type Milliseconds = number

export type Settings = Readonly<{
  replicas: number
  ttlMs: Milliseconds
  negativeTtlMs: Milliseconds
  degradedTtlMs: Milliseconds
  staleMs: Milliseconds
  authgearTimeoutMs: Milliseconds
  redisTimeoutMs: Milliseconds
}>

/** As the docs say it, and in numbers for the campaign's settings. */
export type Duration = Readonly<{ text: string, ms: Milliseconds }>

export type Situation = Readonly<{
  title: string
  /** How long after its acknowledgement a revocation may be unknown to a replica. */
  accepted: Duration
  /** How long a request to a replica that runs may take. */
  wait: Duration
  /**
   * Whose requests may be answered 503: nobody's, those that a frozen replica held, those not remembered, those
   * that nobody is behind any more.
   */
  unavailable: 'none' | 'frozen' | 'unknown' | 'ended'
  /** How often Authgear may be asked about one new credential that all replicas are asked about at once. */
  calls: Readonly<{ text: string, count: number }> | undefined
}>

export const SETTINGS: Settings
export const SITUATIONS: Readonly<Record<SituationId, Situation>>
