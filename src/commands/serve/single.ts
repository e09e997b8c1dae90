import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config/index.ts'
import type { Service } from '../../service/service.ts'
import { bannerOf } from '../banner.ts'
import { onSignal } from './on-signal.ts'
import {
  type Closer, listen, managementOf, openService, removeStaleSockets, type Running, type State, takeRequests
} from './replica.ts'

/** The whole replica in this process. */
export async function startSingle (config: Config, running: Running): Promise<void> {
  const { version, log, tracer, flushed } = running
  const closers: Closer[] = tracer === undefined ? [] : [tracer.close]
  let state: State = 'starting'
  const close = async (): Promise<void> => { while (closers.length > 0) await closers.pop()?.() }
  let service: Service
  try {
    service = await open(config, running, closers, () => state)
  } catch (error) {
    await close()
    throw error
  }
  state = 'serving'
  log.info(bannerOf(config, version), 'ready')
  onSignal(log, async () => {
    state = 'draining'
    service.grpc?.stopServing()
    log.info({ delayMs: config.shutdownDelayMs }, 'shutting down')
    await sleep(config.shutdownDelayMs)
    await close()
    log.info('shut down')
    await flushed()
  })
}

/** The management listener first, so that probes see the start; the main listener last. */
async function open (config: Config, running: Running, closers: Closer[], state: () => State): Promise<Service> {
  await removeStaleSockets(config)
  const machine = hostname()
  const service = await openService(config, running, { machine, state })
  closers.push(service.close)
  const management = managementOf(config, running.version, service, state)
  closers.push(() => management.close())
  await listen(management, config.management, 'MANAGEMENT_LISTEN')
  await takeRequests(config, service, running.log, closers)
  return service
}
