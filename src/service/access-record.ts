import { randomBytes } from 'node:crypto'
import {
  type AccessRecord, type AccessRecordSettings, createAccessRecord
} from '../operate/access-record/access-record.ts'
import type { SinkObserver } from '../operate/access-record/queue.ts'
import { createFileSink, createStdoutSink, type Sink } from '../operate/access-record/sink.ts'
import type { Clock } from '../clock.ts'
import { createTrustProxy } from '../request/http/trusted-proxies.ts'
import { describe, type Log, type WritePiece } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { Revocation, RevocationLog } from '../shared/revocation/types.ts'
import { RECORD_SHARE, type ServiceSettings } from './settings.ts'

export type RecordParts = Omit<AccessRecord, 'revoked' | 'sweep'> & Readonly<{
  /** The same log; what this replica takes is recorded. */
  following: (log: RevocationLog) => RevocationLog
  /** For the status page. */
  isWritten: () => boolean
  /** The file was moved. */
  reopen: () => void
}>

type RecordDeps = Readonly<{
  sessionKey: Uint8Array
  metrics: Metrics
  log: Log
  clock: Clock
  /** Of standard output, where it is a pipe that the log writes to. */
  stdout: WritePiece | undefined
}>

const SWEEP_MS = 1000

/** Undefined without ACCESS_RECORD. @throws {ServiceError} where its file cannot be opened */
export function openAccessRecord (
  { accessRecord: settings, machine, trustedProxies, cache }: ServiceSettings,
  { sessionKey, metrics, log, clock, stdout }: RecordDeps
): RecordParts | undefined {
  if (settings === undefined) return undefined
  const sink = openSink(settings, observerOf(metrics, log), stdout)
  const run = randomBytes(4).toString('hex')
  const trustProxy = createTrustProxy(trustedProxies)
  const maxBytes = cache.maxBytes * RECORD_SHARE
  const lost = (): void => metrics.record.lost.add()
  const record = createAccessRecord({
    settings, sink, replica: machine, run, sessionKey, trustProxy, clock, maxBytes, lost
  })
  const timer = setInterval(record.sweep, SWEEP_MS).unref()
  return Object.freeze({
    report: record.report,
    refusesAll: record.refusesAll,
    flush: record.flush,
    isWritten: sink.isWritable,
    reopen: sink.reopen,
    following: (revocations) => recording(revocations, record.revoked),
    close: async () => {
      clearInterval(timer)
      await record.close()
    }
  } satisfies RecordParts)
}

function openSink ({ file }: AccessRecordSettings, observer: SinkObserver, stdout: WritePiece | undefined): Sink {
  return file === undefined ? createStdoutSink(observer, stdout) : createFileSink(file, observer)
}

function observerOf (metrics: Metrics, log: Log): SinkObserver {
  return {
    written (lines) { metrics.record.written.add(lines) },
    lost (lines) {
      metrics.record.lost.add(lines)
      // nobody scrapes a process that ends
      log.error({ lines }, 'lines of the access record are lost')
    },
    failing (error) {
      if (error === undefined) log.info('the access record is written again')
      else log.error({ error: describe(error) }, 'the access record cannot be written: see ACCESS_RECORD')
    }
  }
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
