import { randomBytes } from 'node:crypto'
import { describe, type Log, type WritePiece } from '../../base/logging/log.ts'
import type { CountsOf } from '../../base/metrics/table.ts'
import type { Given } from '../../base/parts/given.ts'
import type { RecordMetrics } from './metrics.ts'
import type { SinkObserver } from './queue.ts'
import { type AccessRecordSettings, createAccessRecord } from './record.ts'
import { createFileSink, createStdoutSink, type Sink } from './sink.ts'

type Lines = CountsOf<RecordMetrics>

const SWEEP_MS = 1000

type RecordGiven = Given & Readonly<{
  /** A header of a 200 whose value is a token, if a part sends one. */
  tokenHeader: string | undefined
}>

/** @throws {ServiceError} where its file cannot be opened */
export function openAccessRecord (settings: AccessRecordSettings, given: RecordGiven, lines: Lines) {
  const { machine: replica, trustProxy, tokenHeader, clock, maxBytes, log, stdout } = given
  const sink = openSink(settings, observerOf(lines, log), stdout)
  const isWritable = (): number => Number(sink.isWritable())
  const record = createAccessRecord({
    settings,
    sink,
    replica,
    run: randomBytes(4).toString('hex'),
    sessionKey: given.keysFor('record').current,
    trustProxy,
    tokenHeader,
    clock,
    maxBytes,
    lost: () => lines.lost.add()
  })
  const timer = setInterval(record.sweep, SWEEP_MS).unref()
  return Object.freeze({
    decided: record.report,
    vetoes: record.vetoes,
    taken: record.revoked,
    gauges: { writable: isWritable },
    numbers: () => ({ written: isWritable(), lost: lines.lost.counted() }),
    leave: record.flush,
    ...settings.file === undefined ? {} : { reopen: sink.reopen },
    close: async () => {
      clearInterval(timer)
      await record.close()
    }
  })
}

function openSink ({ file }: AccessRecordSettings, observer: SinkObserver, stdout: WritePiece | undefined): Sink {
  return file === undefined ? createStdoutSink(observer, stdout) : createFileSink(file, observer)
}

function observerOf (lines: Lines, log: Log): SinkObserver {
  return {
    written: lines.written.add,
    lost (count) {
      lines.lost.add(count)
      // nobody scrapes a process that ends
      log.error({ lines: count }, 'access record lines are being lost')
    },
    failing (error) {
      if (error === undefined) log.info('the access record is written again')
      else log.error({ error: describe(error) }, 'the access record cannot be written: see ACCESS_RECORD')
    }
  }
}
