import { writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { ask, type Answer, type Asked } from '../helpers/request.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { now, type HistoryEvent } from './history.ts'
import type { Link } from './link.ts'
import { createStallReader } from './stalls.ts'

/** The servers' real port, and this replica's way to it. */
export type Links = ReadonlyMap<number, Link>

/** One replica as a process, with its own ways to Redis; it can be killed, frozen, started again, put out of time. */
export interface Replica {
  readonly links: Links
  readonly isUp: boolean
  readonly isFrozen: boolean
  /** Of its listener of events, the same in each of its lives. */
  readonly eventsPort: number
  ask (asked: Asked): Promise<Answer>
  /** On the management listener. */
  manage (asked: Asked): Promise<Answer>
  /** What `/readyz` says; undefined where it does not answer. */
  readiness (): Promise<Readonly<{ redis?: string, authgear?: string }> | undefined>
  /** Its metrics, and what it has logged (CAMPAIGN_LOG=warn). */
  explain (): Promise<string>
  kill (): Promise<void>
  stop (): Promise<void>
  /** @param changes of its environment, from now on */
  start (changes?: Readonly<Record<string, string>>): Promise<void>
  freeze (): void
  thaw (): void
  /** Its wall clock is that many milliseconds off from now on. */
  setClock (offMs: number): void
  /** What happened to it since the last time. */
  drain (): readonly HistoryEvent[]
}

const HOOK = join(import.meta.dirname, 'replica-hook.mjs')

type Disturbance = { readonly at: number, readonly forgets: boolean, endedAt: number }

export async function startReplica (
  t: Test,
  index: number,
  env: Readonly<Record<string, string>>,
  links: Links
): Promise<Replica> {
  const folder = tempDir(t, 'campaign')
  const [clock, stalls] = [join(folder, 'clock'), join(folder, 'stalls')]
  for (const [file, text] of [[clock, '0'], [stalls, '']] as const) writeFileSync(file, text)
  const eventsPort = await freePort()
  const all: Record<string, string> = {
    ...env,
    LISTEN_EVENTS: `127.0.0.1:${eventsPort}`,
    NODE_OPTIONS: `--import file://${HOOK}`,
    CAMPAIGN_CLOCK: clock,
    CAMPAIGN_STALLS: stalls,
    CAMPAIGN_LINKS: JSON.stringify(Object.fromEntries([...links].map(([port, link]) => [port, link.port])))
  }
  const readStalls = createStallReader(stalls, index)
  let events: HistoryEvent[] = []
  let disturbances: Disturbance[] = []
  let service: Service | undefined
  let isFrozen = false
  let agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  function disturb (forgets: boolean): void {
    disturbances.push({ at: now(), forgets, endedAt: Infinity })
  }
  function settle (forgets: boolean): void {
    for (const one of disturbances) if (one.forgets === forgets) one.endedAt = Math.min(one.endedAt, now())
  }
  async function start (changes: Readonly<Record<string, string>> = {}): Promise<void> {
    Object.assign(all, changes)
    if (service !== undefined) return
    // a mixed fleet: every second replica is of another build
    const main = index % 2 === 1 ? process.env['CAMPAIGN_OTHER'] : undefined
    const started = await startProcess(t, all, { main })
    agent.destroy()
    agent = new Agent({ keepAlive: true, maxSockets: 64 })
    service = started
    settle(true)
    started.ended.then(() => {
      if (service === started) events.push({ kind: 'crash', replica: index, at: now() })
    }, () => {})
  }
  async function end (how: 'kill' | 'stop'): Promise<void> {
    const ending = service
    if (ending === undefined) return
    disturb(true)
    service = undefined
    settle(false)
    await ending[how]()
  }
  function signal (name: NodeJS.Signals): void {
    if (service !== undefined) process.kill(service.pid, name)
  }

  await start()
  return {
    links,
    eventsPort,
    get isUp () { return service !== undefined },
    get isFrozen () { return isFrozen && service !== undefined },
    ask: (asked) => ask(service?.port ?? 1, { ...asked, agent }),
    manage: (asked) => ask(portOf(service), { ...asked, host: '127.0.0.1' }),
    readiness: () => ask(portOf(service), { path: '/readyz', host: '127.0.0.1', signal: AbortSignal.timeout(2000) })
      .then(({ body }) => JSON.parse(body) as { redis?: string, authgear?: string }, () => undefined),
    explain: async () => {
      const asked = { path: '/metrics', host: '127.0.0.1', signal: AbortSignal.timeout(2000) }
      const metrics = await ask(portOf(service), asked).then(({ body }) => body, (error: unknown) => String(error))
      return `${metrics}\n${service?.logs() ?? ''}`
    },
    kill: () => end('kill'),
    stop: () => end('stop'),
    start,
    freeze () { disturb(false); isFrozen = true; signal('SIGSTOP') },
    thaw () { signal('SIGCONT'); isFrozen = false; settle(false) },
    setClock (offMs) { writeFileSync(clock, String(offMs)); signal('SIGWINCH') },
    drain () {
      const found = [...events, ...readStalls(), ...disturbances.map(({ at, forgets, endedAt }): HistoryEvent =>
        ({ kind: 'disturbed', replica: index, at, endedAt: Math.min(endedAt, now()), forgets }))]
      events = []
      disturbances = disturbances.filter(({ endedAt }) => endedAt === Infinity)
      return found
    }
  }
}

const portOf = (service: Service | undefined): number => Number(new URL(service?.managementUrl ?? 'http://x:1').port)
