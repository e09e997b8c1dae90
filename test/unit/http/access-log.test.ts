import t from 'tap'
import type { Log } from '../../../src/base/logging/log.ts'
import { createReport, createSampling, type Reported } from '../../../src/base/http/access-log.ts'
import type { Client } from '../../../src/base/http/request.ts'
import type { HandlerResult } from '../../../src/base/http/types.ts'

t.test('writes the first lines of each second, then how many it left out', async t => {
  let now = 0
  const sampling = createSampling(2, () => now)
  t.strictSame([sampling(), sampling(), sampling(), sampling()], [0, 0, undefined, undefined])
  now = 999
  t.equal(sampling(), undefined)
  now = 1000
  t.strictSame([sampling(), sampling(), sampling()], [3, 0, undefined])
  now = 60_000
  t.strictSame([sampling(), sampling()], [1, 0])
})

const by = (address: string): { client: () => Client } => ({ client: () => ({ address, isNamed: true }) })

t.test('writes one line a second for each client, and ten in all', async t => {
  let now = 0
  const sampling = createSampling(10, () => now)
  t.strictSame([sampling(by('a')), sampling(by('a')), sampling(by('b')), sampling(by('a'))],
    [0, undefined, 1, undefined], 'the repeats of one client take no place')
  for (let n = 0; n < 8; n++) t.equal(sampling(by(`client ${n}`)), n === 0 ? 1 : 0)
  t.equal(sampling(by('an eleventh')), undefined)
  now = 1000
  t.equal(sampling(by('a')), 1)
})

const REFUSALS = [
  [401, 'no_credentials'], [403, 'forbidden'], [403, 'bad_policy'], [302, 'login'], [400, 'unreadable'], [401, 'x']
] as const

t.test('a client that is refused for ever writes a line a second of each reason', async t => {
  const lines: unknown[] = []
  let counted = 0
  const write = (line: unknown): void => { lines.push(line) }
  const isLevelEnabled = (level: string): boolean => level !== 'trace'
  const log = { debug: write, info: write, warn: write, error: write, isLevelEnabled }
  const report = createReport(log as unknown as Log, () => { counted++ }, () => ({}))
  const reported = {
    ...by('192.0.2.1'), endpoint: 'verify', startedAt: 0, rawHeaders: [], traceIds: () => undefined, requestId: 'r'
  } as unknown as Reported
  const began = Math.floor(performance.now() / 1000)
  for (const [status, reason] of REFUSALS) {
    for (let n = 0; n < 200; n++) {
      const response = { status, headers: [], body: '' }
      report(reported, { response, reason, source: 'none' } as unknown as HandlerResult)
    }
  }
  const seconds = Math.floor(performance.now() / 1000) - began + 1
  t.ok(lines.length >= REFUSALS.length && lines.length <= REFUSALS.length * seconds, `${lines.length} lines`)
  t.equal(counted, 200 * REFUSALS.length)
})
