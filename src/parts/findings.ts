import type { EpochMs } from '../core/token-expiry.ts'
import type { Clock } from '../clock.ts'
import type { Base, SharedRedis } from './places.ts'

/** A problem that `doctor` may find. */
export type PartFinding<Id extends string> =
  Readonly<{ id: Id, severity: 'error' | 'warning', mistake: string, why: string, set: string }>
export type Found<Id extends string> = readonly [id: Id, what: string]
export type Checked<Id extends string> =
  Readonly<{ kind: 'skipped', why: string } | { kind: 'looked', findings: ReadonlyArray<Found<Id>> }>
/** The service as it is configured. */
export type At = Readonly<{
  /** True if it listens by TLS. */
  isTls: boolean
  /** Redis as the service has it, to read from; undefined without it. */
  redis: Pick<SharedRedis, 'commands' | 'sealing' | 'keyOf'> | undefined
  openAdminApi: Base['openAdminApi']
  clock: Clock
}>
/** A check of its own. */
export type Check<Settings, Id extends string> = Readonly<{
  title: string
  /** Why nothing is looked at where the part is off. */
  off: string
  /** It makes no sense while that cannot be reached. */
  needs?: 'redis'
  run: (settings: Settings, at: At) => Promise<Checked<Id>>
}>

/** A request that came through the proxy, as `doctor` saw it. */
export type Arrived = Readonly<{
  /** A header as the app got it; undefined where it got none, or an empty one. */
  header: (name: string) => string | undefined
  /** A document of the service that runs beside it; undefined where nobody answers. */
  published: (path: string) => Promise<string | undefined>
  now: EpochMs
}>
