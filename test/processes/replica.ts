import { Agent } from 'node:http'
import type { Test } from 'tap'
import type { Relay } from '../helpers/relay.ts'
import { ask, type Answer, type Asked } from '../helpers/request.ts'
import { startProcess, type Service } from '../helpers/process.ts'

/** One replica as a process, with its own way to Redis; it can be killed, frozen and started again. */
export interface ReplicaProcess {
  readonly relay: Relay
  /** Whether a request between these two moments may have got no answer. */
  wasDisturbed (from: number, to: number): boolean
  ask (asked: Asked): Promise<Answer>
  readonly port: number
  readonly isUp: boolean
  isFollowing (): Promise<boolean>
  kill (): Promise<void>
  /** SIGTERM: no request may fail for it. */
  stop (): Promise<void>
  start (): Promise<void>
  freeze (): void
  thaw (): void
  /** Ends that nobody asked for. */
  readonly crashes: number
}

type Span = { readonly from: number, to: number }

export async function startReplica (
  t: Test,
  env: Readonly<Record<string, string>>,
  relay: Relay
): Promise<ReplicaProcess> {
  const disturbances: Span[] = []
  let service: Service | undefined
  let agent = new Agent({ keepAlive: true })
  let crashes = 0
  let down: Span | undefined
  let frozen: Span | undefined
  t.teardown(() => agent.destroy())

  /** Harmless where it runs. */
  async function start (): Promise<void> {
    if (service !== undefined) return
    const started = await startProcess(t, env)
    agent.destroy()
    agent = new Agent({ keepAlive: true, maxSockets: 64 })
    service = started
    close(down)
    started.ended.then(() => { if (service === started) crashes++ }, () => { crashes++ })
  }

  const disturb = (): Span => {
    const span = { from: performance.now(), to: Infinity }
    disturbances.push(span)
    return span
  }
  const close = (span: Span | undefined): void => {
    if (span !== undefined) span.to = Math.min(span.to, performance.now())
  }
  async function end (how: 'kill' | 'stop'): Promise<void> {
    const ending = service
    if (ending === undefined) return
    down = disturb()
    service = undefined
    await ending[how]()
  }

  await start()
  return {
    relay,
    get isUp () { return service !== undefined },
    get port () { return service?.port ?? 0 },
    get crashes () { return crashes },
    wasDisturbed: (from, to) => disturbances.some((span) => span.from <= to && from <= span.to),
    ask: (asked) => ask(service?.port ?? 1, { ...asked, agent }),
    isFollowing: async () =>
      service !== undefined && (await readiness(service).then(({ redis }) => redis === 'up', () => false)),
    kill: () => end('kill'),
    stop: () => end('stop'),
    start,
    freeze () {
      if (service === undefined) return
      frozen = disturb()
      process.kill(service.pid, 'SIGSTOP')
    },
    thaw () {
      close(frozen)
      if (service !== undefined) process.kill(service.pid, 'SIGCONT')
    }
  }
}

async function readiness ({ managementUrl }: Service): Promise<{ redis?: unknown }> {
  const { body } = await ask(Number(new URL(managementUrl).port), { path: '/readyz', host: '127.0.0.1' })
  return JSON.parse(body) as { redis?: unknown }
}
