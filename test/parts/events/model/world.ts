import { EventEmitter } from 'node:events'
import type { Keyer } from '../../../../src/base/core/cache-key.ts'
import { createFeed, type Feed, writePlace } from '../../../../src/parts/events/feed.ts'
import { createReaders, type Out, type Readers } from '../../../../src/parts/events/readers.ts'
import { createSessionNames } from '../../../../src/parts/events/session-names.ts'
import { disabled } from '../../../helpers/log-entry.ts'

/** So few can be told again that a reader can be behind. */
const ROOM = 2
/** More than may wait for a reader, and less than that for which it is cut. */
const STALLED_BYTES = 40 * 1024
const KEYER: Pick<Keyer, 'sentDigests'> = { sentDigests: () => ({ all: [], whole: [] }) }
const APP = 'app'
const NONE = -1

/** CACHE_SECRET of a replica; no replica has x, so that its entries are junk to all. */
export type Secret = 'a' | 'b' | 'x'
/** `of`: the number of a revocation, or NONE. */
type Entry = Readonly<{ id: number, of: number, by: Secret }>
type Log = { name: number, entries: Entry[], clock: number, since: number }
type Frame = Readonly<{ event: string, id: string | undefined, of: number, covers: ReadonlySet<number> }>
export type ChangeFeed = (feed: Feed) => Feed

const secretId = (secret: Secret): string => (secret === 'a' ? 'a' : 'b').repeat(16)
const idOf = (id: number): string => `${id}-0`

/** The app's end of a stream. */
class Peer extends EventEmitter {
  texts: string[] = []
  writableLength = 0
  isGone = false
  write (text: string | Buffer): boolean { this.texts.push(String(text)); return true }
  end (text: string): void { this.texts.push(text); this.destroy() }
  destroy (): void { this.isGone = true; this.emit('close') }
  get out (): Out { return this as unknown as Out }
}

/** The real feed and the real readers of one replica. */
function startReplica (secret: Secret, change: ChangeFeed) {
  const turns: Array<() => void> = []
  const state = { isFollowing: false, log: 0, last: 0, isSkipping: false, knows: new Set<number>() }
  const feed = change(createFeed(ROOM))
  const readers: Readers = createReaders({
    feed,
    names: createSessionNames({
      keyer: KEYER, key: Buffer.alloc(32, secret), previousKey: undefined, secret: secretId(secret)
    }),
    apps: 1,
    isFollowing: () => state.isFollowing,
    observer: { opened () {}, told () {}, cut () {} },
    soon: (run) => { turns.push(run) }
  })
  return { secret, feed, readers, state, turn: () => { for (const run of turns.splice(0)) run() } }
}

/** One app, two replicas, and the log that they read: all that can befall them, and what the app has missed. */
export function createWorld (skipsJunk: boolean, isHasty: boolean, change: ChangeFeed) {
  let log: Log = { name: 1, entries: [{ id: 1, of: NONE, by: 'a' }], clock: 2, since: 0 }
  const replicas = [startReplica('a', change), startReplica('a', change)]
  const at = (index: number) => replicas[index % 2] as ReturnType<typeof startReplica>
  const writtenIn: number[] = []
  const missing = new Set<number>()
  const app: { peer: Peer, index: number | undefined, frames: Frame[], lastId: string | undefined } =
    { peer: new Peer(), index: undefined, frames: [], lastId: undefined }
  const known = (): Set<number> => new Set(replicas.flatMap(({ state: { knows } }) => [...knows]))

  function append (of: number, by: Secret): void {
    log.entries.push({ id: log.clock, of, by })
    log.clock += 1
    if (of === NONE) return
    writtenIn[of] = log.name
    if (by !== 'x' && (app.index !== undefined || app.lastId !== undefined)) missing.add(of)
  }
  /** Redis has lost everything: whoever knows a revocation writes it again, and nobody has missed what nobody knows. */
  function lose (by: Secret): void {
    const kept = known()
    log = { name: log.name + 1, entries: [{ id: 1, of: NONE, by }], clock: 2, since: 0 }
    for (const of of missing) if (!kept.has(of)) missing.delete(of)
    for (const of of kept) append(of, by)
  }
  function read (index: number): void {
    const { feed, state, secret } = at(index)
    const [oldest] = log.entries
    if (oldest === undefined) return
    const isNew = state.log !== log.name
    if (isNew) {
      feed.begins(log.name.toString(16), log.since === 0 ? oldest.id : log.since)
      Object.assign(state, { log: log.name, last: 0 })
    } else if (state.last < oldest.id - 1) {
      lose(secret)
      return read(index)
    }
    for (const { id, of, by } of log.entries.filter(({ id }) => id > state.last)) {
      state.last = id
      if (of !== NONE) state.knows.add(of) // what it cannot read voids everything, by then or later
      if (of === NONE) feed.passed(idOf(id))
      else if (by === secret) {
        feed.read({ id: idOf(id), revocation: disabled(`u${of}`) }, id)
      } else if (skipsJunk && !isNew) {
        state.isSkipping = true
        feed.skipped(idOf(id))
      } else {
        feed.passed(idOf(id))
        feed.lost(log.clock)
      }
      collect()
    }
    state.isFollowing = !state.isSkipping
  }
  /** What was sent is on its way. A reset covers all that its replica had read, and what older logs had. */
  function collect (): void {
    const { peer, index } = app
    if (index === undefined) return
    const { state, feed, secret } = at(index)
    const covers = new Set([...writtenIn.keys()].filter((of) =>
      writtenIn[of] !== log.name || !log.entries.some((one) => one.of === of && one.id > state.last)))
    const newest = isHasty ? writePlace(secretId(secret), feed.place()) : undefined
    for (const text of peer.texts.splice(0).join('').split('\n\n').filter((one) => one !== '')) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]
      const { user = '' } = JSON.parse(field('data') ?? '{}') as { user?: string }
      const [event = '', id] = [field('event'), field('id')]
      const of = user === '' ? NONE : Number(user.slice(1))
      app.frames.push({ event, of, covers, id: event === 'connected' ? newest ?? id : id })
    }
  }
  function take (count: number): void {
    for (const { event, id, of, covers } of app.frames.splice(0, count)) {
      app.lastId = id ?? app.lastId
      for (const one of event === 'reset' ? covers : event === 'revoked' ? [of] : []) missing.delete(one)
    }
  }
  /** What is on its way is lost. Who has heard nothing yet has nothing that it could miss. */
  function leave (): void {
    if (app.index === undefined) return
    app.peer.destroy()
    Object.assign(app, { index: undefined, frames: [], peer: new Peer() })
    if (app.lastId === undefined) missing.clear()
  }
  function join (index: number): void {
    leave()
    app.index = index % 2
    at(index).readers.add(APP, app.peer.out, app.lastId)
    collect()
  }
  return {
    read,
    join,
    leave,
    take,
    lose: () => lose('a'),
    turn (index: number) { at(index).turn(); collect() },
    /** The app is there and takes all that this replica reads. */
    hear (index: number) {
      if (app.index !== index) join(index)
      read(index)
      this.turn(index)
      take(Infinity)
    },
    write: (by: Secret) => append(writtenIn.length, by),
    pending (index: number) {
      const target = { kind: 'user', userId: `u${writtenIn.length}` } as const
      at(index).readers.tellPending({ target, origin: 'webhook', at: 0 })
      append(writtenIn.length, at(index).secret)
      collect()
    },
    cut (index: number) { at(index).state.isFollowing = false; at(index).readers.look(); collect() },
    endSkipping (index: number) {
      const { state, feed } = at(index)
      if (!state.isSkipping) return
      Object.assign(state, { isSkipping: false, isFollowing: true })
      feed.lost(log.clock)
      collect()
    },
    trim () {
      if (log.entries.length < 2) return
      log = { ...log, entries: log.entries.slice(1), since: (log.entries[0]?.id ?? 0) + 1 }
    },
    restart (index: number, secret: Secret) {
      if (app.index === index % 2) leave()
      replicas[index % 2] = startReplica(secret, change)
    },
    stall () { app.peer.writableLength = STALLED_BYTES },
    drain () { app.peer.writableLength = 0; app.peer.emit('drain'); collect() },
    /** @returns what the app has missed once nothing is on its way any more */
    settle (): readonly number[] {
      for (let n = 0; n < 6; n++) {
        if (app.index === undefined || app.peer.isGone) join(0)
        const index = app.index ?? 0
        read(index)
        this.endSkipping(index)
        this.drain()
        at(index).readers.look()
        this.turn(index)
        take(Infinity)
      }
      const kept = known()
      return [...missing].filter((of) => kept.has(of))
    }
  }
}
