import type { Clock } from '../../base/clock.ts'
import { nameOf, type Revocation } from '../../base/revocation/types.ts'
import type { ClientJudge } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import { labelOf } from './activity-types.ts'
import type { AuditEntry } from './entry.ts'
import type { AuditObserver } from './observer.ts'
import { deletionsOf, EVERYTHING, revocationsOf, type SessionDigest } from './revocations.ts'

/** Between two times that everything is revoked. */
const INTERVAL_MS = 10_000

export type Coalescer = Readonly<{
  request: () => void
  isRequested: () => boolean
  /** Milliseconds until it is to be done; undefined where nobody asked. */
  waitMs: () => number | undefined
  done: () => void
  /** Another replica holds the lease now. */
  forget: () => void
}>

/** Lets the first of many through at once, and one more at the end of the interval for all that came meanwhile. */
export function createCoalescer (clock: Pick<Clock, 'monotonic'>): Coalescer {
  let last = -Infinity
  let isRequested = false
  return Object.freeze({
    request: () => { isRequested = true },
    isRequested: () => isRequested,
    waitMs: () => isRequested ? Math.max(0, last + INTERVAL_MS - clock.monotonic()) : undefined,
    done: () => { last = clock.monotonic(); isRequested = false },
    forget: () => { isRequested = false }
  })
}

export type ApplierDeps = Readonly<{
  /** Asked right before anything is revoked. */
  leads: () => boolean
  revoke: Given['revoke']
  clientDeleted: ClientJudge['deleted']
  sessionDigest: SessionDigest
  clock: Clock
  observer: AuditObserver
}>

export type Applier = Readonly<{
  everything: Coalescer
  /**
   * @returns whether all of it is in the revocation log; what is pending there holds on this replica alone, and would
   * die with it
   */
  apply: (fresh: readonly AuditEntry[]) => Promise<boolean>
  /** Revokes everything if that was requested and is due. @returns as `apply` */
  flush: () => Promise<boolean>
}>

/** Targets of one poll; for more, `everything` voids sessions. Those that end resource tokens go by name beside it. */
const MAX_TARGETS = 500

/** Hands entries to the revocation log, unless the lease was lost meanwhile. */
export function createApplier (deps: ApplierDeps): Applier {
  const { leads, revoke, clientDeleted, sessionDigest, clock, observer } = deps
  const everything = createCoalescer(clock)
  async function flush (quietMs = 0): Promise<boolean> {
    if (everything.waitMs() !== 0 || !leads()) return true
    everything.done()
    const isLogged = await revoke({ ...EVERYTHING, quietMs }) === 'logged'
    if (!isLogged) everything.request() // what is pending would die with this process
    return isLogged
  }
  async function apply (fresh: readonly AuditEntry[]): Promise<boolean> {
    const distinct = distinctOf(fresh.flatMap((entry) => {
      const own = revocationsOf(entry, sessionDigest)
      observer.read(labelOf(entry.type), own.length, entry.second)
      return own
    }))
    const named = distinct.filter(({ target }) => target.kind !== 'everything')
    const isTooMany = named.length > MAX_TARGETS
    if (isTooMany || named.length < distinct.length) everything.request()
    const before = everything.waitMs()
    const isFlushed = await flush(Math.max(0, ...distinct.map(({ quietMs }) => quietMs)))
    if (!leads()) return isFlushed
    // what everything has just voided need not be voided again; it ends no resource token
    const isVoided = isTooMany || before === 0
    const rest = isVoided ? named.filter(({ ends }) => ends !== undefined) : named
    const deletions = await Promise.all(
      fresh.flatMap(deletionsOf).map(({ clientId, at }) => clientDeleted(clientId, at))
    )
    const outcomes = await Promise.all(rest.map((one) => revoke(one)))
    return (isFlushed || !isVoided) && deletions.every(Boolean) && outcomes.every((outcome) => outcome === 'logged')
  }
  return Object.freeze({ everything, apply, flush: () => flush() })
}

/** @returns one revocation a name, with the longest of their quiet times; it ends resource tokens where one does */
function distinctOf (revocations: readonly Revocation[]): readonly Revocation[] {
  const byName = new Map<string, Revocation>()
  for (const revocation of revocations) {
    const name = nameOf(revocation.target)
    const { quietMs = 0, ends } = byName.get(name) ?? {}
    const all = { ...revocation, quietMs: Math.max(revocation.quietMs, quietMs), ends: revocation.ends ?? ends }
    byName.set(name, all)
  }
  return [...byName.values()]
}
