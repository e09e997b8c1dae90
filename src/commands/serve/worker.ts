import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config/index.ts'
import type { ManagementRequest, ManagementResponse } from '../../management/forwarded.ts'
import type { Revocation } from '../../revocation/types.ts'
import type { Service } from '../../service/service.ts'
import type { FromWorker, ToWorker } from '../../workers/messages.ts'
import { onPrimary } from './on-signal.ts'
import { type Closer, managementOf, openService, type Running, type State, takeRequests } from './replica.ts'

const REPORT_EVERY_MS = 1000

/** One of a replica's processes: takes requests of the proxy; its primary has the management listener. */
export async function startWorker (config: Config, running: Running, place: number): Promise<void> {
  const { log, tracer, flushed } = running
  const closers: Closer[] = tracer === undefined ? [] : [tracer.close]
  let state: State = 'starting'
  // a name that a replica of another version can read too
  const machine = `${hostname()}-w${place}`
  const pending = (revocation: Revocation): void => send({ kind: 'revoked', revocation })
  const service = await openService(config, running, { machine, state: () => state, pending })
  closers.push(service.close)
  const report = (): void => send({ kind: 'report', report: reportOf(service, state) })
  const reports = setInterval(report, REPORT_EVERY_MS)
  closers.push(() => clearInterval(reports))
  const close = async (): Promise<void> => { while (closers.length > 0) await closers.pop()?.() }
  const end = onPrimary(log, async () => {
    state = 'draining'
    report()
    service.grpc?.stopServing()
    await sleep(config.shutdownDelayMs)
    await close()
    await flushed()
  })
  listenToPrimary(config, running, service, end)
  try {
    await takeRequests(config, service, log, closers)
  } catch (error) {
    await close()
    throw error
  }
  state = 'serving'
  report()
}

function reportOf (service: Service, state: State) {
  return {
    state,
    redis: service.redisState(),
    authgear: service.authgearState(),
    reading: service.metrics.reading(),
    others: service.others()
  }
}

function send (message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {}) // a dead primary ends this process
}

function listenToPrimary (config: Config, { version }: Running, service: Service, end: () => unknown): void {
  const manage = answerer(config, version, service)
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'shutdown') { end(); return }
    if (message.kind === 'revoke') { service.revoke(message.revocation); return }
    const { id, about, question } = message
    const answer = about === 'metrics' ? service.metrics.json() : manage(question as ManagementRequest)
    answer.then((answer) => send({ kind: 'answer', id, answer }), () => send({ kind: 'failed', id }))
  })
}

/** What of the management listener only the service itself can answer; it listens nowhere here. */
function answerer (
  config: Config,
  version: string,
  service: Service
): (request: ManagementRequest) => Promise<ManagementResponse> {
  const management = managementOf(config, version, service, () => 'serving')
  return async ({ method, path, headers, body, client }) => {
    const answer = await management.inject({
      method,
      url: path,
      headers: headers as Record<string, string>,
      remoteAddress: client,
      ...body === undefined ? {} : { payload: body }
    })
    const given = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const)
    return { status: answer.statusCode, headers: Object.fromEntries(given), body: answer.body }
  }
}
