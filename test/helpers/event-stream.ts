import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { get as getOverTls } from 'node:https'
import type { Test } from 'tap'
import { ask } from './request.ts'
import { until } from './until.ts'

/** Tokens of the apps of these tests, by name. */
export const APPS = {
  default: 'd'.repeat(32), grafana: 'a'.repeat(32), wiki: 'b'.repeat(32)
} as const
export type AppName = keyof typeof APPS

/** LISTEN_EVENTS and EVENTS_TOKENS of these tests. */
export const EVENTS = {
  LISTEN_EVENTS: '127.0.0.1:0',
  EVENTS_TOKENS: Object.entries(APPS).map(([name, token]) => `${name}:${token}`).join(',')
} as const

export type ReadEvent = Readonly<{ id: string | undefined, event: string, data: Readonly<Record<string, unknown>> }>

export type EventStream = Readonly<{
  /** In the order in which they came. */
  events: readonly ReadEvent[]
  /** Of the newest that had one. */
  lastId: () => string | undefined
  /** The data of each revocation. */
  told: () => ReadonlyArray<ReadEvent['data']>
  /** Returns with the first that fits, also one that came before. */
  until: (what: string, fits: (event: ReadEvent) => boolean) => Promise<ReadEvent>
  hasEnded: () => boolean
  close: () => void
}>

/** `ca`: over TLS. */
export type StreamOptions = Readonly<{ app?: AppName, after?: string | undefined, ca?: string | undefined }>

/** A reader of `GET /events`, as an app is one. */
export async function openEvents (
  t: Pick<Test, 'teardown'>,
  port: number,
  { app = 'default', after, ca }: StreamOptions = {}
): Promise<EventStream> {
  const headers = {
    authorization: `Bearer ${APPS[app]}`, ...after === undefined ? {} : { 'last-event-id': after }
  }
  const target = { host: '127.0.0.1', port, path: '/events', agent: false, headers }
  const asked: ClientRequest = ca === undefined ? get(target) : getOverTls({ ...target, ca, servername: 'localhost' })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`events answered ${answer.statusCode}`)
  const events: ReadEvent[] = []
  let hasEnded = false
  readEvents(answer, (event) => events.push(event))
  answer.once('close', () => { hasEnded = true }).on('error', () => {})
  const close = (): void => { asked.destroy() }
  t.teardown(close)
  const stream: EventStream = {
    events,
    lastId: () => events.findLast(({ id }) => id !== undefined)?.id,
    told: () => events.filter(({ event }) => event === 'revoked').map(({ data }) => data),
    async until (what, fits) {
      await until(`${what}: among ${JSON.stringify(events.slice(-5))}`, () => events.some(fits))
      return events.find(fits) as ReadEvent
    },
    hasEnded: () => hasEnded,
    close
  }
  await stream.until('it begins', ({ event }) => event === 'connected' || event === 'reset')
  return stream
}

export function readEvents (answer: IncomingMessage, take: (event: ReadEvent) => void): void {
  let rest = ''
  answer.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    for (const event of parts.flatMap((part) => readEvent(part) ?? [])) take(event)
  })
}

/** @returns undefined for a comment */
function readEvent (text: string): ReadEvent | undefined {
  const field = (name: string): string | undefined =>
    text.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const event = field('event')
  if (event === undefined) return undefined
  return { id: field('id'), event, data: JSON.parse(field('data') ?? '{}') as ReadEvent['data'] }
}

/** `POST /events/check` */
export async function checkEvents (port: number, sessions: readonly unknown[], app: AppName = 'default') {
  const { status, body } = await ask(port, {
    method: 'POST',
    path: '/events/check',
    headers: [['Authorization', `Bearer ${APPS[app]}`], ['Content-Type', 'application/json']],
    body: JSON.stringify({ sessions })
  })
  return { status, body: JSON.parse(body) as Readonly<Record<string, unknown>> }
}
