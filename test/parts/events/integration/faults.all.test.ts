import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { begin } from '../../../campaign/faults.ts'
import { now, type HistoryEvent, type Moment } from '../../../campaign/history.ts'
import { createOracle } from '../../../campaign/oracle.ts'
import { signIn, WAYS, type Person } from '../../../campaign/people.ts'
import { seeded } from '../../../campaign/random.ts'
import { revoke } from '../../../campaign/revocations.ts'
import type { Fault, TopologyName } from '../../../campaign/schedule.ts'
import type { Undo } from '../../../campaign/topologies/types.ts'
import { startWorld, type World } from '../../../campaign/world.ts'
import { NODE, startOpenApp } from '../../../e2e/apps/open-app.ts'
import { APPS } from '../../../helpers/event-stream.ts'
import { joinSockets } from '../../../helpers/join-sockets.ts'
import { until } from '../../../helpers/until.ts'

t.setTimeout(15 * 60_000)

/** A replica says after 3 s that it does not follow, and looks twice a second; with what a busy machine takes. */
const BOUND_MS = 4000
const OLD_SECRET = 'a secret of the campaign, longer than 32 bytes'
const NEW_SECRET = 'another secret of the campaign, longer than 32 bytes'

type Row = Readonly<{
  what: string
  /** Whether an app may have to ask again about everybody. */
  mayReset: boolean
  holdMs: number
  /** @param replica that the app follows */
  begin: (world: World, replica: number) => Promise<Undo>
}>

const fault = (of: (replica: number) => Fault): Row['begin'] =>
  async (world, replica) => await begin(world, of(replica))
const cut = (lost: 'both' | 'to' | 'from') => fault((replica) => ({ kind: 'cut-silent', replica, lost, by: 'relay' }))
const its = (kind: 'replica-killed' | 'replica-stopped' | 'replica-frozen') => fault((replica) => ({ kind, replica }))

const ROWS: Readonly<Partial<Record<TopologyName, readonly Row[]>>> = {
  standalone: [
    { what: 'its replica is killed', mayReset: false, holdMs: 2000, begin: its('replica-killed') },
    { what: 'its replica stops', mayReset: false, holdMs: 2000, begin: its('replica-stopped') },
    { what: 'its replica is cut off from Redis', mayReset: false, holdMs: 6000, begin: cut('both') },
    { what: 'Redis hears its replica no more', mayReset: false, holdMs: 6000, begin: cut('to') },
    { what: 'its replica hears Redis no more', mayReset: false, holdMs: 6000, begin: cut('from') },
    { what: 'its replica stands still for 10 s', mayReset: false, holdMs: 10_000, begin: its('replica-frozen') },
    { what: 'Redis is killed', mayReset: true, holdMs: 3000, begin: fault(() => ({ kind: 'redis-killed' })) },
    { what: 'FLUSHALL', mayReset: true, holdMs: 1000, begin: fault(() => ({ kind: 'redis-flushed' })) },
    { what: 'CACHE_SECRET is rotated', mayReset: true, holdMs: 0, begin: rotate }
  ],
  sentinel: [
    { what: 'the master dies', mayReset: true, holdMs: 6000, begin: fault(() => ({ kind: 'redis-killed' })) },
    { what: 'a planned failover', mayReset: true, holdMs: 3000, begin: fault(() => ({ kind: 'planned-failover' })) }
  ]
}

/** Replica by replica, twice, as docs/redis.md has it. */
async function rotate ({ replicas }: World): Promise<Undo> {
  for (const previous of [OLD_SECRET, '']) {
    for (const replica of replicas) {
      await replica.stop()
      await replica.start({ CACHE_SECRET: NEW_SECRET, CACHE_SECRET_PREVIOUS: previous })
    }
  }
  return () => {}
}

const FOLLOWING = /"following":(true|false)/g
const LONGEST_WORD = '"following":false'.length

/** The app's way to the replicas, and what its stream says on it of itself. */
async function watchStream (t: Test, { replicas }: World) {
  const open = new Set<Socket>()
  let at = 0
  let backAt: Moment | undefined
  let newest: Socket | undefined
  const server = createServer({ allowHalfOpen: true }, (client) => {
    newest = client
    at = (at + 1) % replicas.length
    const upstream = connect({ host: '127.0.0.1', port: replicas[at]?.eventsPort ?? 1, allowHalfOpen: true })
    let rest = ''
    // what is read at once may say both, one after the other, and a word may come in two pieces
    upstream.on('data', (data) => {
      rest += data.toString('latin1')
      for (const [word, following] of rest.matchAll(FOLLOWING)) {
        if (following === 'true') backAt ??= now()
        else backAt = undefined
        rest = rest.slice(rest.indexOf(word) + word.length)
      }
      rest = rest.slice(-LONGEST_WORD)
    })
    // one that ended long ago may close after the next one is told
    client.once('close', () => { if (client === newest) backAt = undefined })
    joinSockets(open, client, upstream)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close(); for (const socket of open) socket.destroy() })
  const { port } = server.address() as AddressInfo
  return { port, at: () => at, backAt: () => backAt }
}

/** `backAt`: Infinity where it was told before its stream said so. */
type Closed = Readonly<{ at: Moment, reason: string, backAt: Moment }>
type Held = { readonly person: string, closed: Closed | undefined }
type Stream = Awaited<ReturnType<typeof watchStream>>

/** As a proxy lets somebody in, by the headers of a replica's 200. */
async function openSocket (t: Test, world: World, port: number, person: Person, stream: Stream): Promise<Held> {
  const answer = await world.replicas[0]?.ask({ path: '/verify', headers: WAYS[1]?.(person) ?? [] })
  t.equal(answer?.status, 200)
  const headers = Object.fromEntries(['x-forward-auth-session', 'x-authgear-user-id'].map((name) =>
    [name, String(answer?.headers[name])]))
  const held: Held = { person: person.id, closed: undefined }
  await until('it stays open', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
    t.teardown(() => socket.terminate())
    socket.on('error', () => {})
    if (!await isWelcome(socket)) return false
    socket.once('close', (_code, reason) => {
      held.closed = { at: now(), reason: String(reason), backAt: stream.backAt() ?? Infinity }
    })
    return true
  })
  return held
}

/** For a while after a reset the app closes at once. */
const isWelcome = (socket: WebSocket): Promise<boolean> =>
  new Promise((resolve) => { socket.once('message', () => resolve(true)).once('close', () => resolve(false)) })

/** What apps are judged by; the rest has bounds of its own. */
const JUDGED: ReadonlySet<HistoryEvent['kind']> = new Set<HistoryEvent['kind']>([
  'stream', 'reset', 'told', 'logged', 'disturbed', 'stall'
])
const PEOPLE = { revoked: 6, others: 4 } as const

async function checkRow (t: Test, world: World, stream: Stream, port: number, row: Row): Promise<void> {
  const people = Array.from({ length: PEOPLE.revoked + PEOPLE.others }, () => {
    const person = signIn(world.simulator, false)
    world.note({ kind: 'signedIn', person: person.id, isAdmin: false, at: now() })
    return person
  })
  await until('the app is told', () => stream.backAt() !== undefined)
  const held = await Promise.all(people.map((person) => openSocket(t, world, port, person, stream)))
  const undo = await row.begin(world, stream.at())
  const ends = Promise.all(people.slice(0, PEOPLE.revoked).map((person, n) => revoke(world, person, seeded(n))))
  await sleep(row.holdMs)
  await undo()
  const trouble = await world.heal(60_000)
  if (trouble !== undefined) t.comment(trouble)
  await ends
  await until('the app is told again', () => stream.backAt() !== undefined)
  const revoked = held.slice(0, PEOPLE.revoked)
  await until('all of the right people are closed', () => revoked.every(({ closed }) => closed !== undefined))
  const history = world.drain()
  const waits = revoked.map(({ person, closed }) => waitOf(history, person, closed))
  t.comment(`${row.what}: closed ${Math.max(...waits)} ms at most after the stream was back`)
  t.ok(waits.every((ms) => ms <= BOUND_MS), `${Math.max(...waits)} ms`)
  const others = held.slice(PEOPLE.revoked).flatMap(({ closed }) => closed?.reason ?? [])
  t.strictSame(others.filter((reason) => reason !== 'ask again'), [], 'nobody else, but after a reset')
  if (!row.mayReset) t.strictSame(others, [], 'which there was none of')
  const events = history.filter(({ kind }) => JUDGED.has(kind))
  t.strictSame(createOracle().judge([...people.map(asHeld), ...events]).map(({ what }) => what), [])
  t.ok(events.some(({ kind }) => kind === 'told' || kind === 'reset'))
}

const asHeld = ({ id }: Person): HistoryEvent => ({ kind: 'signedIn', person: id, isAdmin: false, at: 0 })

/** Since its end was acknowledged and the stream was back. */
function waitOf (history: readonly HistoryEvent[], person: string, closed: Held['closed']): number {
  const logged = history.find((event) => event.kind === 'logged' && event.person === person)
  const { at, backAt } = closed ?? { at: NaN, backAt: NaN }
  return Math.round(Math.max(0, at - Math.max(logged?.at ?? NaN, backAt)))
}

for (const [topology, rows] of Object.entries(ROWS)) {
  t.test(`on ${topology}`, async (t) => {
    const world = await startWorld(t, topology as TopologyName)
    const stream = await watchStream(t, world)
    const { port } = await startOpenApp(t, NODE, { port: stream.port, token: APPS.default })
    for (const row of rows) {
      await t.test(`sockets of a revoked session close though ${row.what}`, async (t) => {
        await checkRow(t, world, stream, port, row)
      })
    }
  })
}
