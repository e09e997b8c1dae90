import { type AccessRecord, createAccessRecord } from '../operate/access-record/access-record.ts'
import { createSink } from '../operate/access-record/sink.ts'
import type { Clock } from '../clock.ts'
import { createTrustProxy } from '../request/http/trusted-proxies.ts'
import { describe, type Log } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { Revocation, RevocationLog } from '../shared/revocation/types.ts'
import type { ServiceSettings } from './settings.ts'

export type RecordParts = Omit<AccessRecord, 'revoked' | 'sweep'> & Readonly<{
  /** The same log; what this replica takes is recorded. */
  following: (log: RevocationLog) => RevocationLog
  /** The file was moved. */
  reopen: () => void
}>

type RecordDeps = Readonly<{ sessionKey: Uint8Array, metrics: Metrics, log: Log, clock: Clock }>

const SWEEP_MS = 1000
/** Of CACHE_MAX_MEMORY, for what is counted and not yet written. */
const SHARE = 0.05

/** Undefined without ACCESS_RECORD. @throws {ServiceError} where its file cannot be opened */
export function openAccessRecord (
  { accessRecord: settings, machine, trustedProxies, cache }: ServiceSettings,
  { sessionKey, metrics, log, clock }: RecordDeps
): RecordParts | undefined {
  if (settings === undefined) return undefined
  const sink = createSink(settings.file, {
    lost: (lines) => metrics.recordLines('lost', lines),
    failing (error) {
      if (error === undefined) log.info('the access record is written again')
      else log.error({ error: describe(error) }, 'the access record cannot be written: see ACCESS_RECORD')
    }
  })
  const record = createAccessRecord({
    settings,
    sink,
    replica: machine,
    sessionKey,
    trustProxy: createTrustProxy(trustedProxies),
    clock,
    maxBytes: cache.maxBytes * SHARE,
    counted: metrics.recordLines
  })
  const timer = setInterval(record.sweep, SWEEP_MS).unref()
  return Object.freeze({
    report: record.report,
    refusesAll: record.refusesAll,
    reopen: sink.reopen,
    following: (revocations) => recording(revocations, record.revoked),
    close: async () => {
      clearInterval(timer)
      await record.close()
    }
  } satisfies RecordParts)
}

function recording (log: RevocationLog, revoked: AccessRecord['revoked']): RevocationLog {
  return Object.freeze({
    ...log,
    revoke (revocation: Revocation) {
      revoked(revocation)
      return log.revoke(revocation)
    }
  })
}
