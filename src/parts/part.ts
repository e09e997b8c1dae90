import type { Clock } from '../clock.ts'
import type { SettingsOf, ValuesOf, Variables } from '../config/kind.ts'
import type { Log, WritePiece } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { CountsOf, MetricTable, ReadersOf } from '../operate/metrics/table.ts'
import type { Report } from '../request/http/access-log.ts'
import type { TrustProxy } from '../request/http/trusted-proxies.ts'
import type { Revocation } from '../shared/revocation/types.ts'
import type { StatusOf } from './status.ts'

/** Keys of one purpose, derived from CACHE_SECRET, and from the previous one while it is rotated. */
export type PurposeKeys = Readonly<{ current: Uint8Array, previous: Uint8Array | undefined }>

/** What the base hands to each part. */
export type Base = Readonly<{
  clock: Clock
  log: Log
  /** Standard output, where it is a pipe that the log writes to. */
  stdout: WritePiece | undefined
  /** This machine's name. */
  machine: string
  keysFor: (purpose: string) => PurposeKeys
  /** Bytes of its share of CACHE_MAX_MEMORY. */
  maxBytes: number
  trustProxy: TrustProxy
}>

/** The places in which a part that is open plugs in. */
export type Opened = Readonly<{
  /** Observes each decision, once it is answered. */
  decided?: Report
  /** Vetoes each 200 that lets somebody pass. */
  refusesAll?: () => boolean
  /** Hears of a revocation that this replica takes, before the log has it. */
  taken?: (revocation: Revocation) => void
  /** Numbers for the status page: since the start, or how things are now. */
  numbers?: () => Readonly<Record<string, number>>
  /** Opens its files again, on SIGHUP. */
  reopen?: () => void
  /** Hears that this replica is about to end. */
  leave?: () => void
  close?: () => Promise<void> | void
}>

type Open<Settings, Table> =
  (settings: Settings, base: Base, count: CountsOf<Table>) => Opened & Readonly<{ gauges: ReadersOf<Table> }>

type Definition<Rows extends Variables, Settings, Table extends MetricTable> = Readonly<{
  name: string
  /** The heading of its variables. */
  title: string
  variables: Rows
  /** An environment in which all of it is on: for the documentation's tables, and for tests of the whole. */
  example: Readonly<Partial<Record<keyof Rows & string, string>>>
  /** Undefined: it is off. */
  configure: (values: SettingsOf<Rows>) => Settings | undefined
  /** Its share of CACHE_MAX_MEMORY. */
  memoryShare?: number
  /** True if SIGHUP makes it open its files again, and so does not end the process. */
  reopens?: (settings: Settings) => boolean
  status?: StatusOf
  /** Its metrics, shown only while it is on. */
  metrics: (settings: Settings) => Table
  /** Loads what opens it: a `check`, a `healthcheck` or a start without it does not load its code. */
  load: () => Promise<Open<Settings, Table>>
}>

/** A part whose code is loaded. */
export type Loaded = Readonly<{
  name: string
  memoryShare: number
  /** Registers its metrics. @returns what opens it, once there is what it needs */
  register: (metrics: Pick<Metrics, 'register'>) => (base: Base) => Opened
}>

/** A part that is on: its types are closed in, so that a list of parts needs none of them. */
type Configured = Readonly<{
  name: string
  reopens: boolean
  load: () => Promise<Loaded>
}>

export type Part<Rows extends Variables> = Readonly<{
  name: string
  title: string
  variables: Rows
  example: Readonly<Record<string, string>>
  status: StatusOf
  // a method, whose parameters are compared in both directions: a list holds parts of different rows
  /** Undefined: it is off. */
  configure (values: ValuesOf<Rows>): Configured | undefined
}>

/** The order of its properties counts: TypeScript infers settings from `configure` before it looks at `metrics`. */
export function definePart<const Rows extends Variables, Settings, const Table extends MetricTable> (
  definition: Definition<Rows, Settings, Table>
): Part<Rows> {
  const { name, title, variables, status = {} } = definition
  return Object.freeze({
    name,
    title,
    variables,
    example: definition.example as Readonly<Record<string, string>>,
    status,
    configure (values: ValuesOf<Rows>): Configured | undefined {
      const settings = definition.configure(settingsOf(variables, values))
      if (settings === undefined) return undefined
      return { name, reopens: definition.reopens?.(settings) === true, load: () => loaded(definition, settings) }
    }
  })
}

async function loaded<Rows extends Variables, Settings, Table extends MetricTable> (
  { name, memoryShare = 0, metrics, load }: Definition<Rows, Settings, Table>, settings: Settings
): Promise<Loaded> {
  const open = await load()
  return Object.freeze({
    name,
    memoryShare,
    register (all: Pick<Metrics, 'register'>) {
      const { count, read } = all.register(metrics(settings))
      return (base: Base) => {
        const opened = open(settings, base, count)
        read(opened.gauges)
        return opened
      }
    }
  })
}

/** The values of these rows by the program's names: the table says again what each of them was read as. */
function settingsOf<Rows extends Variables> (rows: Rows, values: ValuesOf<Rows>): SettingsOf<Rows> {
  return Object.fromEntries(
    Object.entries(rows).map(([name, { as }]) => [as, values[name as keyof Rows]])
  ) as SettingsOf<Rows>
}
