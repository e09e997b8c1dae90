import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { heapFlags } from '../../src/base/core/memory-budget.ts'
import { startFastResolver } from '../helpers/measured-process.ts'
import { limitMemory } from '../helpers/memory-limit.ts'
import {
  type Attack, unfinishedHeads, unfinishedHeadsOverHttp2, unfinishedLines, unfinishedLinesOverHttp2,
  unfinishedMessages, unreadAnswers, unreadAnswersToManyLines, unreadPipelines, unreadShortAnswers
} from '../helpers/neighbour.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { ask, HOST } from '../helpers/request.ts'
import { until } from '../helpers/until.ts'

/** A client without a session that reaches a listener must not end the process (docs/security.md). */
const MIB = 2 ** 20
/** Longer than each of them took to end a process that had no budget; half the memory was full in half the time. */
const secondsOf = (mib: number): number => Number(process.env['NEIGHBOUR_SECONDS'] ?? (mib === 128 ? 8 : 15))
/** A proxy's, which is another than the neighbour's: the budget ends no connection of its. */
const PROXY = '127.0.0.2'
const BETWEEN_MS = 50

/** `leastMib`: in less it ends the process now and then, as docs/inside/reliability.md says. */
type World = Readonly<{ listener: 'plain' | 'tls' | 'grpc', attack: Attack, leastMib?: number }>

const WORLDS: Readonly<Record<string, World>> = {
  'heads that never end': { listener: 'plain', attack: unfinishedHeads },
  'heads of many lines that never end': { listener: 'plain', attack: unfinishedLines },
  'heads that never end over HTTP/2': { listener: 'tls', attack: unfinishedHeadsOverHttp2 },
  'heads of many lines that never end over HTTP/2': {
    listener: 'tls', attack: unfinishedLinesOverHttp2, leastMib: 256
  },
  'answers that are never read': { listener: 'plain', attack: unreadPipelines },
  'answers that are never read over HTTP/2': { listener: 'tls', attack: unreadAnswers },
  'answers to many lines that are never read over HTTP/2': {
    listener: 'tls', attack: unreadAnswersToManyLines, leastMib: 256
  },
  'short answers that are never read over HTTP/2': { listener: 'tls', attack: unreadShortAnswers, leastMib: 256 },
  'messages that never end over gRPC': { listener: 'grpc', attack: unfinishedMessages }
}

const ONLY = process.env['NEIGHBOUR']
t.setTimeout(600_000)

for (const mib of [256, 128]) {
  for (const [name, world] of Object.entries(WORLDS)) {
    if ((ONLY !== undefined && !name.includes(ONLY)) || mib < (world.leastMib ?? 0)) continue
    t.test(`outlives ${name}, in ${mib} MiB, and answers those who are remembered`, async (t) => {
      const limit = limitMemory(t, mib * MIB)
      if (limit === undefined) t.comment('this machine makes no control group: nothing limits the process')
      const service = await start(t, world, mib, limit?.enter ?? [])
      const statuses = await underAttack(service, world, secondsOf(mib))
      t.comment(`${mib} MiB: ${JSON.stringify(Object.fromEntries(statuses))}, ${Math.round((limit?.usage() ?? NaN) / MIB)} MiB`)
      t.strictSame([...statuses.keys()], [200], 'users who are remembered are answered')
      t.equal(limit?.kills() ?? 0, 0, 'the kernel killed nothing')
    })
  }
}

type Attacked = Service & Readonly<{ tls: Readonly<{ ca: Buffer }> | undefined }>

async function start (t: Test, { listener }: World, mib: number, enter: readonly string[]): Promise<Attacked> {
  const resolver = await startFastResolver(t)
  const tls = listener === 'tls' ? makeOwnCert(t, HOST) : undefined
  // Node sets its own limits where it can start itself over
  const NODE_OPTIONS = 'execve' in process ? '' : heapFlags(mib * MIB).join(' ')
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1',
    AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${resolver}/resolve`,
    CACHE_TTL: '10m',
    LOG_LEVEL: 'warn',
    NODE_OPTIONS,
    ...tls === undefined ? {} : { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  }, { enter, grpc: listener === 'grpc' })
  return { ...service, tls: tls && { ca: readFileSync(tls.caFile) } }
}

/** @returns how often somebody who is remembered had each status, 0 for none */
async function underAttack (
  service: Attacked,
  { listener, attack }: World,
  seconds: number
): Promise<ReadonlyMap<number, number>> {
  const over = new AbortController()
  const statuses = new Map<number, number>()
  await until('somebody is remembered', async () => (await statusOf(service)) === 200)
  const attacking = attack(listener === 'grpc' ? service.grpcPort : service.port, over.signal)
  const ends = performance.now() + seconds * 1000
  while (performance.now() < ends) {
    const status = await statusOf(service)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    await sleep(BETWEEN_MS)
  }
  over.abort()
  await attacking
  return statuses
}

async function statusOf ({ port, tls }: Attacked): Promise<number> {
  const headers = [['Authorization', 'Bearer Vremembered']] as const
  const asked = { path: '/verify', headers, localAddress: PROXY, ...tls && { tls } }
  return await ask(port, asked).then(({ status }) => status, () => 0)
}
