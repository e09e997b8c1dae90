import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { APPS, readEvents, type ReadEvent } from '../helpers/event-stream.ts'
import { now, type HistoryEvent } from './history.ts'
import { seeded } from './random.ts'
import type { Replica } from './replica.ts'

type Note = (event: HistoryEvent) => void
type Followed = Pick<Replica, 'eventsPort'>

/** An app's own network fails now and then: for how long a stream lasts, and how long an app is away. */
const LASTS_MS = { least: 2000, more: 6000 } as const
const AWAY_MS = { least: 100, more: 2500 } as const
/** A replica that is frozen takes a connection, and says nothing. */
const ANSWERS_WITHIN_MS = 3000
/** As the lines of docs/open-connections.md leave a replica that does not follow. */
const ALONE_MS = 10_000

/** One app beside each replica, which goes to the next one when its stream ends. @returns ends them all */
export function followAll (replicas: readonly Followed[], note: Note): () => Promise<void> {
  const closing = new AbortController()
  const following = Promise.all(replicas.map((_, app) => follow(replicas, app, note, closing.signal)))
  return async () => { closing.abort(); await following }
}

async function follow (replicas: readonly Followed[], app: number, note: Note, closing: AbortSignal): Promise<void> {
  let lastId: string | undefined
  const pick = seeded(app)
  for (let replica = app; !closing.aborted; replica = (replica + 1) % replicas.length) {
    const take = (event: ReadEvent): void => {
      lastId = event.id ?? lastId
      for (const one of factsOf(event, app, replica)) note(one)
    }
    const lasting = AbortSignal.timeout(LASTS_MS.least + pick(LASTS_MS.more))
    await read(replicas[replica]?.eventsPort ?? 1, lastId, take, AbortSignal.any([closing, lasting]))
    note({ kind: 'stream', app, replica, following: undefined, at: now() })
    await sleep(AWAY_MS.least + pick(AWAY_MS.more), undefined, { signal: closing }).catch(() => {})
  }
}

/** Returns when the stream is over, or none came. */
async function read (
  port: number,
  lastId: string | undefined,
  take: (event: ReadEvent) => void,
  closing: AbortSignal
): Promise<void> {
  const leaving = new AbortController()
  const leaveAfter = (ms: number): NodeJS.Timeout => setTimeout(() => leaving.abort(), ms)
  let timer: NodeJS.Timeout | undefined = leaveAfter(ANSWERS_WITHIN_MS)
  const stay = (isWell: boolean): void => {
    clearTimeout(timer)
    timer = isWell ? undefined : leaveAfter(ALONE_MS)
  }
  const headers = {
    authorization: `Bearer ${APPS.default}`, ...lastId === undefined ? {} : { 'last-event-id': lastId }
  }
  const signal = AbortSignal.any([closing, leaving.signal])
  await new Promise<void>((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path: '/events', agent: false, headers, signal })
    asked.once('error', () => resolve()).once('close', resolve)
    asked.once('response', (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) return asked.destroy()
      answer.on('error', () => {})
      readEvents(answer, (event) => {
        const { following } = event.data
        if (typeof following === 'boolean') stay(following)
        take(event)
      })
    })
  })
  clearTimeout(timer)
}

function factsOf ({ event, data }: ReadEvent, app: number, replica: number): readonly HistoryEvent[] {
  const at = now()
  const { following, kind } = data
  const text = (value: unknown): string | undefined => typeof value === 'string' ? value : undefined
  if (event === 'reset' || kind === 'everyone') {
    const reset = { kind: 'reset', app, at } as const
    return typeof following === 'boolean' ? [reset, { kind: 'stream', app, replica, following, at }] : [reset]
  }
  if (event === 'revoked') return [{ kind: 'told', app, user: text(data['user']), session: text(data['session']), at }]
  return typeof following === 'boolean' ? [{ kind: 'stream', app, replica, following, at }] : []
}
