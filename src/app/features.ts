import type { Report } from '../base/http/access-log.ts'
import type { HeaderContributor } from '../base/identity/presenter.ts'
import { describe, type Log } from '../base/logging/log.ts'
import type { PartReadings } from '../base/metrics/gauges.ts'
import type { Metrics } from '../base/metrics/metrics.ts'
import type { Feature, OpenPart } from '../base/parts/feature.ts'
import type { Loaded } from '../base/parts/part.ts'
import type { LogReader, Revocation, RevocationLog } from '../base/revocation/types.ts'
import type { Closers } from './closers.ts'
import { bytesOf, type ServiceSettings } from './settings.ts'

type Announced = Pick<Loaded<never, object>, 'name' | 'sends' | 'claims'>

/** @throws for what a part announces and does not have, or the other way round: either is without effect */
export function mustFit ({ name, sends, claims }: Announced, { headers, reopen }: Feature): void {
  const [added, announced] = [headers?.names ?? [], sends?.names ?? []].map((names) => [...names].sort().join(', '))
  if (added !== announced) {
    throw new Error(
      `part ${name}: \`headers\` adds ${added || 'nothing'}, and \`sends\` names ${announced || 'nothing'}: ` +
        'proxies take from clients what `sends` names alone'
    )
  }
  if ((reopen !== undefined) === (claims.reopens === true)) return
  throw new Error(`part ${name}: \`reopen\` and \`reopens\` go together, and it has one of them`)
}

type FeaturesDeps = Readonly<{ metrics: Pick<Metrics, 'register'>, log: Pick<Log, 'error'>, closers: Closers }>

export type Features = ReturnType<typeof createFeatures>

/** The parts that are open, and what any of them may have. Each is told from its opening on. */
export function createFeatures (settings: ServiceSettings, { metrics, log, closers }: FeaturesDeps) {
  const opened = new Map<string, Feature>()
  let isTaken = false
  /** An error of a part is logged: it keeps nothing from the base, nor from other parts. */
  function safely (part: string, call: () => void): void {
    try {
      call()
    } catch (error) {
      log.error({ part, error: describe(error) }, 'a part failed to handle a notification: please report it')
    }
  }
  function tell (call: (feature: Feature) => void): void {
    for (const [name, feature] of opened) safely(name, () => call(feature))
  }
  return Object.freeze({
    /** Opens a part, if it is on, with its share of the memory. @throws {ServiceError} where it cannot be opened */
    open<Deps, One extends OpenPart> (
      part: Loaded<Deps, One> | undefined, deps: Omit<Deps, 'maxBytes'>
    ): One | undefined {
      if (part === undefined) return undefined
      const feature = part.register(metrics)({ ...deps, maxBytes: bytesOf(part, settings) } as Deps)
      opened.set(part.name, feature)
      if (feature.close !== undefined) closers.add(feature.close)
      mustFit(part, feature)
      if (isTaken && (feature.headers ?? feature.decided) !== undefined) {
        throw new Error(`part ${part.name}: it is opened after its headers or its report were asked for`)
      }
      return feature
    },
    tell,
    reader: readerOf(opened),
    heard: (log: RevocationLog) => heardBy(tell, log),
    headers: (): readonly HeaderContributor[] => {
      isTaken = true
      return [...opened.values()].flatMap(({ headers }) => headers ?? [])
    },
    /** The same report, which parts observe after it. */
    observed (report: Report): Report {
      isTaken = true
      return [...opened].reduce<Report>((before, [name, { decided }]) => decided === undefined
        ? before
        : (request, said) => {
            before(request, said)
            safely(name, () => decided(request, said))
          }, report)
    },
    /** Resolves when all can take requests. */
    ready: async () => { await Promise.all([...opened.values()].map(({ ready }) => ready?.())) },
    /** For the status page and gauges. */
    numbers: (): PartReadings =>
      Object.fromEntries([...opened].map(([name, { numbers }]) => [name, numbers?.() ?? {}])),
    /** @throws for a part that is on and was not opened */
    mustBeOpen () {
      const forgotten = settings.parts.find(({ name }) => !opened.has(name))
      if (forgotten !== undefined) throw new Error(`part ${forgotten.name}: it is on, and service.ts does not open it`)
    }
  })
}

/** One reader of the log for all that read it. */
function readerOf (opened: ReadonlyMap<string, Feature>): LogReader {
  function each (call: (reader: Partial<LogReader>) => void): void {
    for (const { reads } of opened.values()) if (reads !== undefined) call(reads)
  }
  return {
    begins: (log, since) => each((one) => one.begins?.(log, since)),
    read: (entry, at) => each((one) => one.read?.(entry, at)),
    passed: (id) => each((one) => one.passed?.(id)),
    skipped: (id) => each((one) => one.skipped?.(id)),
    lost: (at) => each((one) => one.lost?.(at))
  }
}

/** The same log, which tells parts what this replica takes. */
function heardBy (tell: (call: (feature: Feature) => void) => void, log: RevocationLog): RevocationLog {
  return Object.freeze({
    ...log,
    async revoke (revocation: Revocation) {
      tell(({ taken }) => taken?.(revocation))
      const outcome = await log.revoke(revocation)
      if (outcome === 'pending') tell(({ pending }) => pending?.(revocation))
      return outcome
    }
  })
}
