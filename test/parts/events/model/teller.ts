import { EventEmitter } from 'node:events'
import type { Keyer } from '../../../../src/core/cache-key.ts'
import { createReaders, type Out, type Readers } from '../../../../src/parts/events/readers.ts'
import { createFeed, type Feed, writePlace } from '../../../../src/parts/events/feed.ts'
import { createSessionNames, type SessionNames } from '../../../../src/parts/events/session-names.ts'
import { disabled } from '../../../helpers/log-entry.ts'
import { feedWithout, type Rule } from './rules.ts'
import type { Frame, Op, Replica, Secret } from './state.ts'

/** So few can be told again that a reader can be behind. */
const ROOM = 2
/** More than may wait for a reader, and less than that for which it is cut. */
const STALLED_BYTES = 40 * 1024
const KEYER: Pick<Keyer, 'sentDigests'> = { sentDigests: () => ({ all: [], whole: [] }) }
const APP = 'app'

const namesOf = (secret: Secret): SessionNames => createSessionNames({
  keyer: KEYER, key: Buffer.alloc(32, secret), previousKey: undefined, secret: secretId(secret)
})
/** Users have no names, so that nothing else of a secret is told. */
const secretId = (secret: Secret): string => (secret === 'a' ? 'a' : 'b').repeat(16)
const NAMES = { a: namesOf('a'), b: namesOf('b'), x: namesOf('x') } as const

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

type Parts = Readonly<{ feed: Feed, readers: Readers, turns: (() => void)[], set: (isFollowing: boolean) => void }>

/** The real feed and the real readers of one replica. */
function build (secret: Secret, without: Rule | undefined): Parts {
  let isFollowing = false
  const turns: (() => void)[] = []
  const feed = feedWithout(createFeed(ROOM), without)
  const readers = createReaders({
    feed,
    names: NAMES[secret],
    apps: 1,
    isFollowing: () => isFollowing,
    observer: { opened () {}, told () {}, cut () {} },
    soon: (run) => { turns.push(run) }
  })
  return { feed, readers, turns, set: (following) => { isFollowing = following } }
}

type Said = Omit<Frame, 'covers'>
type Told = Readonly<{
  after: Pick<Replica, 'ops' | 'seen' | 'hasTurn'>
  frames: readonly Said[]
  isEnded: boolean
}>

/** What came of each act of a replica that looks so: two that look the same from outside are the same. */
const known = new Map<string, Told>()

export function tell (replica: Replica, op: Op, without: Rule | undefined): Told {
  const key = [without, replica.secret, replica.isFollowing, replica.seen, JSON.stringify(op)].join('|')
  const told = known.get(key) ?? tellAnew(replica, op, without)
  known.set(key, told)
  return told
}

/** Does what it did since its start over again, then that, and looks at what came of it. */
function tellAnew (replica: Replica, op: Op, without: Rule | undefined): Told {
  const parts = build(replica.secret, without)
  let peer = new Peer()
  for (const one of replica.ops) peer = act(parts, peer, one)
  peer.texts = []
  peer = act(parts, peer, op)
  const isHasty = without === 'who comes back is at its own place until it is told more'
  const newest = isHasty ? writePlace(secretId(replica.secret), parts.feed.place()) : undefined
  const frames = readFrames(peer).map((said) => said.event === 'connected' ? { ...said, id: newest ?? said.id } : said)
  const { isGone: isEnded } = peer
  const hasTurn = parts.turns.length > 0
  const ops = [...replica.ops, op]
  return { after: { ops, hasTurn, seen: look(parts, peer, replica.secret) }, frames, isEnded }
}

function act ({ feed, readers, turns, set }: Parts, peer: Peer, op: Op): Peer {
  switch (op.do) {
    case 'begins': feed.begins(nameOf(op.log), op.since); return peer
    case 'read': feed.read({ id: idOf(op.id), revocation: disabled(`u${op.of}`) }, op.id); return peer
    case 'passed': case 'skipped': feed[op.do](idOf(op.id)); return peer
    case 'lost': feed.lost(op.id); return peer
    case 'joins': {
      const next = new Peer()
      readers.add(APP, next.out, op.place)
      return next
    }
    case 'leaves': peer.destroy(); return peer
    case 'pending': {
      const target = { kind: 'user', userId: `u${op.of}` } as const
      readers.tellPending({ target, origin: 'webhook', at: 0 })
      return peer
    }
    case 'turn': for (const run of turns.splice(0)) run(); return peer
    case 'follows': set(op.isFollowing); return peer
    case 'looks': readers.look(); return peer
    case 'stalls': peer.writableLength = STALLED_BYTES; return peer
    case 'drains': peer.writableLength = 0; peer.emit('drain'); return peer
    case 'stops': readers.move(); return peer
  }
}

const nameOf = (log: number): string => log.toString(16)
const idOf = (id: number): string => `${id}-0`
const MAX_ID = 8

const looks = new Map<string, number>()

/** @returns a number of all that can be seen of it from outside: what it keeps, who may go on, what comes next */
function look ({ feed, readers, turns }: Parts, peer: Peer, secret: Secret): number {
  const [start, end] = [feed.start(), feed.end()]
  const kept = Array.from({ length: end - start }, (_, n) => feed.at(start + n))
  const place = feed.place()
  const next = Array.from({ length: MAX_ID }, (_, id) => feed.after({ ...place, id: idOf(id) }))
    .map((number) => number === undefined ? '-' : number - start)
  const reader = [readers.counts().size, peer.isGone, peer.writableLength, turns.length]
  peer.texts = []
  readers.look()
  for (const run of turns.splice(0)) run()
  peer.writableLength = 0
  peer.emit('drain')
  const text = JSON.stringify([kept, writePlace(secretId(secret), place), next, reader, peer.texts])
  const number = looks.get(text) ?? looks.size + 1
  looks.set(text, number)
  return number
}

function readFrames ({ texts }: Peer): readonly Said[] {
  return texts.join('').split('\n\n').filter((text) => text !== '').map((text) => {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]
    const { user: name, following } = JSON.parse(field('data') ?? '{}') as { user?: string, following?: boolean }
    return { event: field('event') ?? '', id: field('id'), of: name && Number(name.slice(1)), following } as const
  }) as readonly Said[]
}
