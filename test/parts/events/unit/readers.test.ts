import { EventEmitter } from 'node:events'
import t from 'tap'
import type { Keyer } from '../../../../src/base/core/cache-key.ts'
import { createReaders, MAX_READERS, type Out } from '../../../../src/parts/events/readers.ts'
import { createFeed } from '../../../../src/parts/events/feed.ts'
import { createSessionNames } from '../../../../src/parts/events/session-names.ts'
import { EVERYTHING, disabled } from '../../../helpers/log-entry.ts'

const ROOM = 2000
const SECRET = '0123456789abcdef'
const KEYER: Pick<Keyer, 'sentDigests'> = { sentDigests: () => ({ all: [], whole: [] }) }

/** A peer whose system takes so many bytes, and no more until it reads. */
class Peer extends EventEmitter {
  readonly texts: string[] = []
  writableLength = 0
  isGone = false
  #room: number
  #waiting: Array<() => void> = []
  constructor (room = Infinity) { super(); this.#room = room }

  write (chunk: string | Buffer, done: () => void): boolean {
    this.texts.push(String(chunk))
    if (this.#room >= chunk.length) { this.#room -= chunk.length; done(); return true }
    this.writableLength += chunk.length
    this.#waiting.push(done)
    return false
  }

  read (): void {
    this.#room = Infinity
    this.writableLength = 0
    for (const done of this.#waiting.splice(0)) done()
    this.emit('drain')
  }

  end (chunk: string): void { this.texts.push(chunk); this.destroy() }
  destroy (): void { this.isGone = true; this.emit('close') }
  get out (): Out { return this as unknown as Out }
  get users (): string[] { return [...this.texts.join('').matchAll(/"user":"(\w+)"/g)].map(([, name = '']) => name) }
}

function start (apps = 1) {
  const feed = createFeed(ROOM)
  feed.begins('a1', 0)
  const told: string[] = []
  const cut: string[] = []
  const state = { following: true }
  const names = createSessionNames({ keyer: KEYER, key: Buffer.alloc(32, 1), previousKey: undefined, secret: SECRET })
  const readers = createReaders({
    feed,
    names,
    apps,
    soon: (run) => { turns++; run() },
    isFollowing: () => state.following,
    observer: { opened () {}, told: (kind) => told.push(kind), cut: (reason) => cut.push(reason) }
  })
  let [n, turns] = [0, 0]
  const revoke = (count = 1): void => {
    for (let i = 0; i < count; i++) feed.read({ id: `${++n}-0`, revocation: disabled(`u${n}`) }, n)
  }
  const join = (room?: number, place?: string): Peer => {
    const peer = new Peer(room)
    readers.add('wiki', peer.out, place)
    return peer
  }
  return { feed, readers, told, cut, state, revoke, join, names, turns: () => turns }
}

t.test('each reader gets each event once, however many readers there are', async (t) => {
  const { revoke, join, told } = start()
  const [early, late] = [join(), join()]
  revoke(3)
  const third = join()
  revoke(2)
  for (const peer of [early, late]) t.strictSame(peer.users, ['u1', 'u2', 'u3', 'u4', 'u5'])
  t.strictSame(third.users, ['u4', 'u5'])
  t.equal(told.length, 5)
})

t.test('a revocation that nobody listens to costs no turn', async (t) => {
  const { revoke, join, turns } = start()
  revoke()
  t.equal(turns(), 0)
  join()
  revoke()
  t.equal(turns(), 1)
})

t.test('buffers at most 64 KiB for a slow reader, which gets all once it reads', async (t) => {
  const { revoke, join, cut } = start()
  const peer = join(0)
  revoke(ROOM)
  t.ok(peer.writableLength < 64 * 1024, `${peer.writableLength} bytes`)
  t.strictSame(cut, [])
  peer.read()
  t.equal(peer.users.length, ROOM)
})

t.test('closes the stream of a reader that is behind the feed', async (t) => {
  const { revoke, join, cut } = start()
  const [slow, quick] = [join(0), join()]
  revoke(2 * ROOM)
  slow.read()
  t.strictSame(cut, ['behind'])
  t.ok(slow.isGone)
  t.equal(quick.users.length, 2 * ROOM)
})

t.test('closes the stream of a reader that stopped, not of a slow one', async (t) => {
  const { readers, revoke, join, cut } = start()
  const [never, slowly] = [join(0), join(0)]
  revoke()
  readers.beat()
  slowly.read()
  readers.beat()
  t.strictSame([never.isGone, slowly.isGone], [true, false])
  t.strictSame(cut, ['slow'])
  t.equal(slowly.texts.at(-1), ':\n\n')
})

t.test('there is room for a thousand, and for nobody once it stops', async (t) => {
  const { readers, join } = start()
  const peers = Array.from({ length: MAX_READERS }, () => join())
  t.notOk(readers.hasRoom('wiki'))
  peers[0]?.destroy()
  t.ok(readers.hasRoom('wiki'))
  t.strictSame([...readers.counts()], [['wiki', MAX_READERS - 1]])
  readers.move()
  t.notOk(readers.hasRoom('wiki'))
  t.ok(peers.every(({ isGone }) => isGone))
  t.match(peers[1]?.texts.at(-1), /^event: moving\n/)
})

t.test('reports when the log is followed and when not', async (t) => {
  const { readers, state, join } = start()
  readers.look()
  const peer = join()
  readers.look()
  t.equal(peer.texts.length, 1)
  state.following = false
  readers.look()
  t.match(peer.texts.at(-1), /^event: state\ndata: {"following":false}/)
})

t.test('each reader gets what changed since its own last report', async (t) => {
  const { readers, feed, state, join } = start()
  const early = join()
  state.following = false
  const late = join()
  feed.begins('b2', 0)
  state.following = true
  readers.look()
  for (const peer of [early, late]) t.match(peer.texts.at(-1), /^event: state\ndata: {"following":true}/)
})

t.test('a reset says whether the log is followed, since it may be all that is told', async (t) => {
  const { state, join } = start()
  state.following = false
  t.match(join(undefined, 'no place').texts.at(-1), /event: reset\ndata: {"following":false}/)
})

t.test('behind an entry that was skipped nobody has a place', async (t) => {
  const { feed, revoke, join } = start()
  revoke()
  const peer = join()
  feed.skipped('1-5')
  revoke()
  t.strictSame(peer.users, ['u2'], 'told at once')
  t.notMatch(peer.texts.at(-1), /^id: /)
  t.match(join(undefined, `${SECRET}.a1.1-0`).texts.at(-1), /event: reset/, 'what was skipped cannot be told')
  feed.lost(3)
  t.match(peer.texts.at(-1), /event: reset/)
  t.match(join(undefined, `${SECRET}.a1.1-0`).texts.at(-1), /event: reset/, 'nor once it is over')
  t.match(join(undefined, `${SECRET}.a1.2-0`).texts.at(-1), /event: connected/)
})

t.test('one app of two leaves the other half of the room', async (t) => {
  const { readers, join } = start(2)
  for (let n = 0; n < MAX_READERS / 2; n++) join()
  t.notOk(readers.hasRoom('wiki'))
  t.ok(readers.hasRoom('grafana'))
})

t.test('events without a place also close the stream of a reader that stopped', async (t) => {
  const { readers, cut, join } = start()
  const peer = join(0)
  for (let n = 0; n < 2000; n++) {
    readers.tellPending({ target: { kind: 'user', userId: `u${n}` }, origin: 'webhook', at: n })
  }
  t.strictSame(cut, ['slow'])
  t.ok(peer.writableLength < 70 * 1024)
})

t.test('an everything is sent as everyone, without a name', async (t) => {
  const { feed, join } = start()
  const peer = join()
  feed.read({ id: '1-0', revocation: EVERYTHING }, 1)
  t.match(peer.texts.at(-1), /data: {"kind":"everyone","at":0.001,"origin":"management"}/)
})
