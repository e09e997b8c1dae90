import type { PartReadings } from '../operate/metrics/gauges.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { Base, Opened } from '../parts/part.ts'
import { createTrustProxy } from '../request/http/trusted-proxies.ts'
import type { Revocation, RevocationLog } from '../shared/revocation/types.ts'
import type { ServiceSettings } from './settings.ts'

type OpenedPart = Opened & Readonly<{ name: string }>
export type OpenedParts = readonly OpenedPart[]

type OpenDeps = Pick<Base, 'clock' | 'log' | 'stdout' | 'keysFor'> & Readonly<{ metrics: Metrics }>

/** Opens the parts that are on, in the order of the list. @throws {ServiceError} where one cannot be opened */
export function openAll (
  { parts, machine, trustedProxies, cache }: ServiceSettings, { metrics, ...deps }: OpenDeps
): OpenedParts {
  const trustProxy = createTrustProxy(trustedProxies)
  return parts.map(({ name, memoryShare, register }) => {
    const open = register(metrics)
    return Object.freeze({ ...open({ ...deps, machine, trustProxy, maxBytes: cache.maxBytes * memoryShare }), name })
  })
}

/** Closes what opens last first. */
export async function closeAll (opened: OpenedParts): Promise<void> {
  for (const { close } of opened.toReversed()) await close?.()
}

/**
 * One function for those that observe; undefined where nobody does, so that a decision pays nothing for it. Two
 * parameters and no rest: with `...args` a decision costs ten times as much.
 */
export function allOf<A, B> (
  observers: ReadonlyArray<((a: A, b: B) => void) | undefined>
): ((a: A, b: B) => void) | undefined {
  const [first, second, ...more] = observers.filter((one) => one !== undefined)
  if (first === undefined || second === undefined) return first
  if (more.length === 0) return (a, b) => { first(a, b); second(a, b) }
  return (a, b) => { first(a, b); second(a, b); for (const one of more) one(a, b) }
}

/** The veto of any part. */
export function vetoOf (opened: OpenedParts): (() => boolean) | undefined {
  const vetoes = opened.flatMap(({ refusesAll }) => refusesAll ?? [])
  return vetoes.length === 0 ? undefined : () => vetoes.some((refusesAll) => refusesAll())
}

/** The same log; the parts hear of what this replica takes. */
export function tellingAll (log: RevocationLog, opened: OpenedParts): RevocationLog {
  const observers = opened.flatMap(({ taken }) => taken ?? [])
  if (observers.length === 0) return log
  return Object.freeze({
    ...log,
    revoke (revocation: Revocation) {
      for (const taken of observers) taken(revocation)
      return log.revoke(revocation)
    }
  })
}

/** For the status page. */
export const numbersOf = (opened: OpenedParts): PartReadings =>
  Object.fromEntries(opened.map(({ name, numbers }) => [name, numbers?.() ?? {}]))
