/**
 * What may happen in each situation at the worst: the oracle judges by this table, docs/inside/reliability.md prints
 * it. Pure data. Where each bound is promised: docs/revocation.md ("When Redis fails"), docs/redis.md ("When
 * Redis fails"), docs/reliability.md.
 */

export type SituationId =
  | 'healthy' | 'redis-kept' | 'redis-emptied'
  | 'redis-far' | 'redis-full' | 'redis-flushed' | 'redis-killed' | 'redis-frozen' | 'redis-restored'
  | 'planned-failover' | 'deposed-master' | 'silent-copy' | 'log-flapping' | 'junk-few' | 'junk-flood'
  | 'cut-silent' | 'cut-reset' | 'replica-frozen' | 'replica-killed' | 'replica-stopped' | 'clock-jump'
  | 'authgear-down' | 'authgear-hangs' | 'authgear-slow'

/** As the docs say it, and in numbers for the campaign's settings. */
type Duration = Readonly<{ text: string, ms: number }>

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

/** As the campaign sets the replicas up. */
export const SETTINGS = Object.freeze({
  replicas: 4,
  ttlMs: 20_000,
  negativeTtlMs: 500,
  degradedTtlMs: 1000,
  staleMs: 2000,
  authgearTimeoutMs: 1000,
  redisTimeoutMs: 200
})

/** "Milliseconds", on a machine that does other things as well. */
const AT_ONCE = Object.freeze({ text: 'milliseconds', ms: 500 })
/** XREAD of an empty log returns after a second, and then the loss is seen. */
const WITHIN_A_POLL = Object.freeze({ text: 'a second', ms: 1500 })
const DEGRADED = Object.freeze({ text: '3 s + `CACHE_DEGRADED_TTL`', ms: 3000 + SETTINGS.degradedTtlMs + 100 })

/** A resolution, at most two attempts, each of two round trips to Redis. */
const RESOLUTION = Object.freeze({ text: 'a resolution', ms: 700 })
/** One that lost its lease: the life of a lease more. */
const LOST_LEASE = Object.freeze({ text: 'a resolution + 400 ms', ms: 1100 })
/** The wait for another replica, and a resolution of one's own. */
const DEADLINE = Object.freeze({ text: '2 × `AUTHGEAR_TIMEOUT`', ms: 2 * SETTINGS.authgearTimeoutMs + 500 })

const FLEET = Object.freeze({ text: '1 a fleet', count: 1 })
const EACH = Object.freeze({ text: '1 a replica', count: SETTINGS.replicas })
/** What was under way when the log's generation changed is asked again. */
const AGAIN = Object.freeze({ text: '2 a replica', count: 2 * SETTINGS.replicas })

const situation = (
  title: string,
  accepted: Duration,
  wait: Duration,
  calls: Situation['calls'],
  unavailable: Situation['unavailable'] = 'none'
): Situation => ({ title, accepted, wait, calls, unavailable })

export const SITUATIONS: Readonly<Record<SituationId, Situation>> = Object.freeze({
  healthy: situation('nothing is wrong', AT_ONCE, RESOLUTION, FLEET),
  'redis-far': situation('round trips to Redis of 0 to 50 ms', AT_ONCE, RESOLUTION, FLEET),
  'redis-full': situation('Redis is full', AT_ONCE, RESOLUTION, EACH),
  'redis-flushed': situation('Redis is flushed', WITHIN_A_POLL, RESOLUTION, AGAIN),
  'redis-killed': situation('the Redis master is killed and started again', DEGRADED, LOST_LEASE, AGAIN),
  'redis-frozen': situation('the Redis master is frozen, and thaws', DEGRADED, LOST_LEASE, AGAIN),
  'redis-restored': situation(
    'Redis is restored from an old snapshot, everything is started again',
    AT_ONCE, LOST_LEASE, AGAIN
  ),
  'redis-kept': situation(
    'Redis with an append-only file is killed and started again: alone, with all replicas, with all but one',
    DEGRADED, LOST_LEASE, AGAIN
  ),
  'redis-emptied': situation('the same without persistence: it comes back empty', DEGRADED, LOST_LEASE, AGAIN),
  'planned-failover': situation('planned failover (Sentinel, Cluster)', DEGRADED, LOST_LEASE, AGAIN),
  'deposed-master': situation(
    'some replicas are left with a deposed master, the last writes are lost',
    DEGRADED, LOST_LEASE, AGAIN
  ),
  'silent-copy': situation(
    'the only Redis replica falls silent (one server without Sentinel)',
    DEGRADED, LOST_LEASE, EACH
  ),
  'log-flapping': situation('the log is lost five times within seconds', DEGRADED, LOST_LEASE, AGAIN),
  'junk-few': situation('a junk entry in the log every three seconds', AT_ONCE, RESOLUTION, AGAIN),
  'junk-flood': situation('twenty junk entries a second in the log', AT_ONCE, RESOLUTION, AGAIN),
  'cut-silent': situation(
    'a replica\'s packets to Redis, from it, or both are dropped silently',
    DEGRADED, LOST_LEASE, EACH
  ),
  'cut-reset': situation('a replica\'s connections to Redis are reset and refused', DEGRADED, LOST_LEASE, EACH),
  'replica-frozen': situation('a replica is frozen, and thaws', DEGRADED, LOST_LEASE, EACH, 'frozen'),
  'replica-killed': situation('a replica is killed, and started again', AT_ONCE, LOST_LEASE, EACH),
  'replica-stopped': situation('a replica is stopped, and started again', AT_ONCE, LOST_LEASE, EACH),
  'clock-jump': situation('a replica\'s clock jumps by seconds to an hour', AT_ONCE, RESOLUTION, EACH),
  'authgear-down': situation(
    'Authgear fails: 500, resets, half an answer, no HTTP',
    AT_ONCE, DEADLINE, undefined, 'unknown'
  ),
  'authgear-hangs': situation('Authgear hangs', AT_ONCE, DEADLINE, undefined, 'unknown'),
  // no result is asked about twice, within one time-out
  // (docs/inside/decisions/148-a-token-without-a-result-is-asked-about-twice.md)
  'authgear-slow': situation('Authgear takes 0.3 to 0.6 s', AT_ONCE, DEADLINE, FLEET, 'ended')
})
