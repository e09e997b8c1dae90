import { oneOf, seeded, type Pick } from './random.ts'
import { SETTINGS, type SituationId } from './situations.ts'

export type TopologyName = 'standalone' | 'sentinel' | 'cluster' | 'valkey'

/** What drops the packets: the relay in front of Redis stops forwarding, or the kernel does (iptables). */
type Dropper = 'relay' | 'kernel'

export type Fault =
  | Readonly<{ kind: 'redis-full' | 'redis-flushed' | 'redis-killed' | 'redis-frozen' | 'redis-restored' }>
  /** All servers of Redis are killed and started again, from an append-only file or empty, and these replicas too. */
  | Readonly<{ kind: 'redis-kept' | 'redis-emptied', killed: readonly number[] }>
  | Readonly<{ kind: 'planned-failover' | 'silent-copy' | 'log-flapping' | 'junk-few' | 'junk-flood' }>
  | Readonly<{ kind: 'redis-far', roundTripsMs: readonly number[] }>
  /** `silent`: cut off silently; else its Redis replica leaves it, and it knows. */
  | Readonly<{ kind: 'deposed-master', stays: readonly number[], silent: boolean }>
  | Readonly<{ kind: 'cut-silent', replica: number, lost: 'both' | 'to' | 'from', by: Dropper }>
  | Readonly<{ kind: 'cut-reset' | 'replica-frozen' | 'replica-killed' | 'replica-stopped', replica: number }>
  | Readonly<{ kind: 'clock-jump', replica: number, ms: number }>
  | Readonly<{ kind: 'authgear-down', how: 'error' | 'reset' | 'half-answer' | 'not-http' }>
  | Readonly<{ kind: 'authgear-hangs' }>
  | Readonly<{ kind: 'authgear-slow', ms: number }>

export type FaultKind = Fault['kind']

/** One or two faults at a time, after which everything heals. */
export type Round = Readonly<{
  /** Names the round in a command that repeats it, whatever other rounds were left out. */
  id: number
  /** Of the workload. */
  seed: number
  faults: readonly Fault[]
  holdMs: number
  /** How long Authgear takes where nothing is wrong with it. */
  authgearMs: number
}>

/** Whether the kernel may drop packets here. */
export type Means = Readonly<{ topology: TopologyName, hasKernel: boolean }>

/** After each a replica may count a change of the log's generation: Redis may have lost what was in it. */
export const LOSSY: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'redis-flushed', 'redis-killed', 'redis-frozen', 'redis-restored', 'planned-failover', 'deposed-master',
  'silent-copy', 'log-flapping', 'redis-kept', 'redis-emptied'
])
/** After these Redis may have a session no more; an append-only file keeps it. */
export const LOSES_SESSIONS: ReadonlySet<FaultKind> = new Set([...LOSSY].filter((kind) => kind !== 'redis-kept'))
/** They start replicas themselves. */
const REBOOTS: readonly FaultKind[] = ['redis-restored', 'redis-kept', 'redis-emptied']
/** After these the replicas leave Redis for minutes, which only a new process shortens. */
export const LASTING: ReadonlySet<FaultKind> = new Set<FaultKind>(['log-flapping', 'junk-flood', 'redis-restored'])

const EVERYWHERE: readonly FaultKind[] = [
  'redis-full', 'redis-flushed', 'redis-killed', 'redis-frozen', ...REBOOTS, 'log-flapping', 'junk-few', 'junk-flood',
  'redis-far', 'cut-silent', 'cut-silent', 'cut-reset', 'replica-frozen', 'replica-killed', 'replica-stopped',
  'clock-jump', 'authgear-down', 'authgear-hangs', 'authgear-slow'
]

/** The kinds that can be had there; whom a silent partition leaves behind needs a kernel in Sentinel and Cluster. */
function kindsFor ({ topology, hasKernel }: Means): readonly FaultKind[] {
  const isAlone = topology === 'standalone' || topology === 'valkey'
  const own: readonly FaultKind[] = isAlone ? ['deposed-master', 'silent-copy'] : ['planned-failover']
  const behind: readonly FaultKind[] = !isAlone && hasKernel ? ['deposed-master'] : []
  return [...EVERYWHERE, ...own, ...behind]
}

/** Rounds without end: the same seed and means give the same ones. */
export function * roundsOf (seed: number, means: Means): Generator<Round> {
  const pick = seeded(seed)
  const kinds = kindsFor(means)
  for (let id = 0, order: FaultKind[] = []; ; id++) {
    if (order.length === 0) order = shuffled(pick, kinds) // each kind comes before any comes again
    const first = order.pop() ?? 'redis-killed'
    const second = pick(3) === 0 ? oneOf(pick, kinds) : undefined
    const pair = second !== undefined && mayMeet(first, second) ? [first, second] : [first]
    yield {
      id,
      seed: pick(2 ** 31),
      faults: pair.map((kind) => faultOf(kind, pick, means)),
      holdMs: 4000 + pick(4000),
      authgearMs: 2 + pick(30)
    }
  }
}

/**
 * I3 needs one living replica that holds a revocation, so no replica is killed while Redis loses its data, but by the
 * faults that are just that. Two faults that start everything again, or do the same thing, are one.
 */
function mayMeet (one: FaultKind, other: FaultKind): boolean {
  const pair = [one, other]
  const isDying = (kind: FaultKind): boolean => kind === 'replica-killed' || kind === 'replica-stopped'
  if (one === other || pair.some((kind) => REBOOTS.includes(kind)) || pair.includes('log-flapping')) return false
  if (pair.some(isDying) && pair.some((kind) => LOSSY.has(kind) || kind === 'junk-flood')) return false
  if (pair.every((kind) => kind.startsWith('authgear-'))) return false
  return !pair.every((kind) => LOSSY.has(kind))
}

function faultOf (kind: FaultKind, pick: Pick, { hasKernel }: Means): Fault {
  const replica = pick(SETTINGS.replicas)
  switch (kind) {
    case 'redis-far':
      return { kind, roundTripsMs: Array.from({ length: SETTINGS.replicas }, () => pick(51)) }
    case 'redis-kept': case 'redis-emptied': {
      const all = Array.from({ length: SETTINGS.replicas }, (_, index) => index)
      return { kind, killed: oneOf(pick, [[], all.filter((one) => one !== replica), all]) }
    }
    case 'deposed-master':
      return {
        kind, stays: pick(2) === 0 ? [replica] : [replica, (replica + 1) % SETTINGS.replicas], silent: pick(2) === 0
      }
    case 'cut-silent': {
      const lost = oneOf(pick, ['both', 'to', 'from'] as const)
      return { kind, replica, lost, by: pick(2) === 0 && hasKernel ? 'kernel' : 'relay' }
    }
    case 'cut-reset': case 'replica-frozen': case 'replica-killed': case 'replica-stopped':
      return { kind, replica }
    case 'clock-jump':
      return { kind, replica, ms: oneOf(pick, [-3_600_000, -5000, 2500, 5000, 60_000, 3_600_000]) }
    case 'authgear-down':
      return { kind, how: oneOf(pick, ['error', 'reset', 'half-answer', 'not-http'] as const) }
    case 'authgear-slow':
      return { kind, ms: 300 + pick(300) }
    default:
      return { kind }
  }
}

function shuffled<T> (pick: Pick, all: readonly T[]): T[] {
  const left = [...all]
  return all.flatMap(() => left.splice(pick(left.length), 1))
}

/** The replicas that a fault is about: for all others Redis is as it was. */
export function affectedBy (fault: Fault): readonly number[] {
  if ('replica' in fault) return [fault.replica]
  return Array.from({ length: SETTINGS.replicas }, (_, index) => index)
}

export const situationOf = ({ kind }: Fault): SituationId => kind
