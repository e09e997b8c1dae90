import type { RedisServers } from '../../../src/base/redis/options.ts'
import type { RedisServer } from '../../helpers/redis.ts'
import type { Links } from '../replica.ts'
import type { Fault } from '../schedule.ts'

type Deposed = Extract<Fault, { kind: 'deposed-master' }>
/** Ends a fault. */
export type Undo = () => Promise<void> | void

/** Servers of Redis in one of the forms that users run, and what may be done to them. */
export interface Topology {
  /** Of a replica, beside what all have. */
  env (links: Links): Readonly<Record<string, string>>
  /** Of the data servers and Sentinels that a replica must reach. */
  readonly ports: readonly number[]
  readonly nodes: readonly RedisServer[]
  /** For a client that is no replica of ours, such as a writer of junk. */
  servers (): RedisServers
  /** The server that takes the revocation log's writes now. */
  master (): Promise<RedisServer>
  /** All that take writes. */
  masters (): Promise<readonly RedisServer[]>
  /** Without loss; undefined where this form has none. */
  readonly failOver: (() => Promise<void>) | undefined
  /** Another takes over without the newest writes; the replicas that stay reach the old one alone. */
  depose (replicas: readonly Links[], fault: Deposed): Promise<Undo>
  /** The master's only Redis replica falls silent; undefined where others say who is master. */
  readonly silenceCopy: (() => Undo) | undefined
  /** All servers run again, one master with its replicas; every way leads where it should. */
  heal (replicas: readonly Links[]): Promise<void>
}
