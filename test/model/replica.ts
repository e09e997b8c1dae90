import { createAuthenticator } from '../../src/base/authenticate/authenticator.ts'
import type { Authenticator } from '../../src/base/authenticate/types.ts'
import { createMemoryCache, type MemoryCache } from '../../src/base/cache/memory.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { NO_FAILED_CREDENTIALS } from '../../src/base/authgear/resolver/failed-credentials.ts'
import type { EntryCodec } from '../../src/base/revocation/codec.ts'
import type { LogStore, Snapshot } from '../../src/base/revocation/store.ts'
import { createStreamLog, type StreamLog } from '../../src/base/revocation/stream-log.ts'
import { TokenLedger } from '../../src/base/revocation/token-ledger.ts'
import { createSharedTier } from './fake-fleet.ts'
import type { FakeRedis } from './fake-redis.ts'
import { keyer } from './people.ts'
import { LIMITS, type Revoked, type World } from './world.ts'

export const CHANNELS = ['follower', 'publisher', 'cache'] as const
export type Channel = typeof CHANNELS[number]
/** `reply`: it happens at once and its answer waits; `request`: it happens when it is let through. */
export type Hold = 'no' | 'reply' | 'request'
type Gate = Readonly<{ channel: Channel, since: number, release: () => void, cut: () => void }>
type Moment = Readonly<{ monotonic: number, wall: number }>
/** What this process has read or taken: since when, and what began before which event is void. */
/** `quietUntil`: a copy that is read late is quiet for what is left. */
export type Known =
  { readonly revoked: Revoked, readonly quietFrom: number, readonly quietUntil: number, voidBefore: number }

/**
 * One process: the real log, memory and authenticator on faked connections, clocks and Authgear; and what it must know
 * by now.
 */
export class Replica {
  readonly world: World
  readonly index: number
  readonly log: StreamLog
  readonly authenticator: Authenticator
  readonly connections: Record<Channel, FakeRedis | undefined> = {
    follower: undefined, publisher: undefined, cache: undefined
  }

  readonly hold: Record<Channel, Hold> = { follower: 'no', publisher: 'no', cache: 'no' }
  readonly known = new Map<string, Known>()
  frozen = false
  polling = false
  dead = false
  /** Milliseconds that its monotonic clock stood still, and that its wall clock is off. */
  asleep = 0
  wallOff: number
  isBlurred = false
  taking: Omit<Revoked, 'of'> | undefined
  linked: Readonly<{ redis: FakeRedis | undefined, began: number, first: number }> | undefined
  cleanSince = 0
  /** Monotonic milliseconds at which it followed last. */
  followedAt = -Infinity
  /** Event at which the newest junk that it has read was appended, in this generation. */
  junkRead = 0
  #gates: Gate[] = []
  #timers: Array<Readonly<{ at: number, fire: () => void }>> = []
  #delivered: Array<Readonly<Record<string, string>>> = []
  #lastHead: Snapshot['head']
  /** When polls were sent that a master answered. */
  #heardAt: Moment[] = []
  /** Servers that it has seen with replicas; of another one it cannot know. */
  readonly #attended = new Set<string>()
  #hasAdopted = false
  #adoptions: number[] = []
  readonly #left = new Set<string>()
  #generation = ''
  /** Generations of what its memory holds. */
  readonly #kept = new Set<string>()

  constructor (world: World, index: number, wallOff: number, codec: EntryCodec) {
    this.world = world
    this.index = index
    this.wallOff = wallOff
    const memory = this.#watched(
      createMemoryCache({ maxEntries: 100, maxBytes: 2 ** 30, clock: this.clock, staleMs: LIMITS.stale })
    )
    const trouble = (): void => {}
    const told = (what: string): void => { if (what.includes('not authentic')) world.count.junkSkipped++ }
    this.log = createStreamLog({
      store: this.#store(),
      codec,
      clock: this.clock,
      retentionMs: LIMITS.logRetention,
      sessionRetentionMs: LIMITS.retention,
      tokens: new TokenLedger({
        clock: this.clock, maxAgeMs: LIMITS.tokenAge, degradedMs: LIMITS.degraded, maxNames: 100
      }),
      page: LIMITS.page,
      after: (ms, fire) => this.#after(ms, fire),
      newName: () => this.#name(),
      observer: {
        revoked: trouble,
        lag: trouble,
        trouble: told,
        capped: trouble,
        doubted: trouble,
        foreign: trouble,
        length: trouble,
        adopted: () => {
          memory.clear()
          this.#forgot()
        },
        inauthentic: () => world.fail('an entry of ours is not authentic')
      }
    })
    this.authenticator = createAuthenticator({
      memory,
      log: this.log,
      clock: this.clock,
      sharedCache: createSharedTier(this),
      resolver: {
        resolve: (credentials) => world.resolve(this, credentials),
        state: () => ({ inFlight: 0, queued: 0, circuitOpen: false }),
        close: async () => {}
      },
      sentDigests: keyer.sentDigests,
      failedCredentials: NO_FAILED_CREDENTIALS,
      audience: 'https://auth.example.com',
      lifetimes: { ttlMs: LIMITS.ttl, negativeTtlMs: 2000 },
      timeoutMs: LIMITS.timeout,
      waitingBytes: 2 ** 26,
      degradedTtlMs: LIMITS.degraded,
      refreshAhead: LIMITS.refreshAhead,
      observer: {
        memoryRead: trouble,
        coalesced: trouble,
        noVerdict: trouble,
        unexpectedError: (error) => world.fail(`unforeseen: ${String(error)}`)
      }
    })
  }

  readonly clock: Clock = Object.freeze({
    monotonic: () => 1000 + this.world.now - this.asleep, wall: () => this.world.now + this.wallOff as EpochMs
  })

  get generation (): string { return this.log.snapshot().stamp.generation }
  get isCurrent (): boolean { return !this.dead && !this.frozen }

  /** By the clocks, roles and changes that it has seen; its own word for it is checked against this. */
  get mayFollow (): boolean {
    const now = this.clock.monotonic()
    const changes = this.#adoptions.filter((at) => now - at < 600_000).length
    return (
      changes <= 3 &&
      this.#heardAt.some(({ monotonic, wall }) => now - monotonic < 3000 && this.clock.wall() - wall < 3000)
    )
  }

  isQuiet (names: readonly string[], at: number): boolean {
    return [...this.known.values()].some(
      ({ revoked, quietFrom, quietUntil }) => names.includes(revoked.name) && at >= quietFrom && at < quietUntil
    )
  }

  async poll (): Promise<void> {
    if (this.polling) return
    this.polling = true
    const began = this.world.tick()
    try {
      await this.log.poll()
      if (this.#lastHead?.nonce !== this.log.snapshot().stamp.position.nonce) {
        this.world.fail('a poll ended before the head')
      }
      const redis = this.connections.follower
      const { linked } = this
      const isSame = linked !== undefined && linked.redis === redis && linked.first > this.world.disturbed
      this.linked = { redis, began, first: isSame ? linked.first : this.world.tick() }
    } catch (error) {
      // a follower and a publisher on two masters cannot agree until one of them leaves
      const isSplit = this.connections.follower !== this.connections.publisher
      if (error instanceof Error && error.message.includes('faster') && !isSplit) this.world.fail(error.message)
    } finally {
      this.polling = false
    }
  }

  connect (): void { for (const channel of CHANNELS) this.connections[channel] ??= this.world.master }

  cut (channel: Channel): void {
    this.connections[channel] = undefined
    this.#settle((gate) => gate.channel === channel, (gate) => gate.cut())
  }

  /** Lets the oldest request through, or all of them and those to come. */
  release (channel: Channel, all: boolean): void {
    if (all) this.hold[channel] = 'no'
    const first = this.#gates.find((gate) => gate.channel === channel)
    this.#settle((gate) => gate.channel === channel && (all || gate === first), (gate) => gate.release())
  }

  /** Timers that are due, and sockets that were silent for three seconds. */
  wake (): void {
    const now = this.clock.monotonic()
    const due = this.#timers.filter(({ at }) => at <= now)
    this.#timers = this.#timers.filter(({ at }) => at > now)
    for (const { fire } of due) fire()
    for (const { channel } of this.#gates.filter(({ since }) => now - since >= 3000)) this.cut(channel)
  }

  die (): void {
    this.dead = true
    for (const channel of CHANNELS) {
      this.#settle((gate) => gate.channel === channel, (gate) => {
        if (this.hold[channel] === 'request') gate.cut()
      })
    }
  }

  /** The answer of whatever server it is connected to; rejects where it is to none. */
  async through<T> (channel: Channel, execute: (redis: FakeRedis) => T): Promise<T> {
    const redis = this.connections[channel]
    const mode = this.hold[channel]
    if (redis === undefined || this.dead) throw new Error('not connected')
    if (mode === 'no') return execute(redis)
    const early = mode === 'reply' ? { value: execute(redis) } : undefined
    return await new Promise<T>((resolve, reject) => {
      const attempt = (): void => {
        try {
          resolve(early === undefined ? execute(redis) : early.value)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      const cut = (): void => {
        if (early === undefined && channel !== 'follower') {
          this.world.delayed.push(() => {
            try {
              execute(redis)
            } catch {
              /* no master any more */
            }
          })
        }
        reject(new Error('cut'))
      }
      this.#gates.push({ channel, since: this.clock.monotonic(), release: attempt, cut })
    })
  }

  /** After every command: what it has read by now, and that it never goes back or forgets to forget. */
  observe (): void {
    const { stamp } = this.log.snapshot()
    if (stamp.generation !== this.#generation) this.#adopted(stamp.generation)
    if (this.log.isFollowing() && !this.mayFollow) {
      this.world.fail('it follows although the newest poll is old, lost its replicas or changed too often')
    }
    const { follower } = this.connections
    const isAttended = follower !== undefined && this.#attended.has(String(follower.id))
    if (this.log.isFollowing() && isAttended && !this.isBlurred && this.world.isLongDeposed(follower)) {
      this.world.fail('it follows a master that was deposed three seconds ago')
    }
    for (const generation of this.#kept) {
      if (generation !== stamp.generation) this.world.fail('memory of another generation was kept')
    }
    this.#confirm()
    if (this.log.isFollowing()) this.followedAt = this.clock.monotonic()
    if (!this.log.trustsShared()) this.cleanSince = Infinity
    else if (this.cleanSince === Infinity) this.cleanSince = this.world.tick()
  }

  #adopted (generation: string): void {
    if (this.#left.has(generation)) this.world.fail('it went back to a generation that it had left')
    this.#left.add(this.#generation)
    this.#generation = generation
    this.world.count.adoptions++
  }

  #forgot (): void {
    this.#kept.clear()
    if (this.#hasAdopted) this.#adoptions.push(this.clock.monotonic())
    this.#hasAdopted = true
  }

  /** What the newest snapshot showed was read if the position is its last entry; else it did not link up. */
  #confirm (): void {
    const delivered = this.#delivered
    this.#delivered = []
    if (delivered.at(-1)?.['nonce'] === this.log.snapshot().stamp.position.nonce) {
      for (const fields of delivered) this.#read(fields)
    }
  }

  #read (fields: Readonly<Record<string, string>>): void {
    if (fields['of']?.startsWith('junk') === true && fields['gen'] === this.generation) {
      this.junkRead = Math.max(this.junkRead, this.world.appended.get(fields['nonce'] ?? '') ?? 0)
    }
    const revoked = this.world.revoked.get(fields['of'] ?? '')
    if (revoked === undefined || fields['gen'] !== this.generation) return
    revoked.holders.add(this)
    this.#learn(revoked, this.world.appended.get(fields['nonce'] ?? '') ?? 0)
  }

  #learn (revoked: Revoked, voidBefore: number): void {
    const known = this.known.get(revoked.of)
    const quietFrom = this.clock.monotonic()
    const quietUntil = quietFrom + revoked.takenAt + revoked.quietMs - this.world.now
    if (known !== undefined) known.voidBefore = Math.max(known.voidBefore, voidBefore)
    else this.known.set(revoked.of, { revoked, quietFrom, quietUntil, voidBefore })
  }

  #settle (which: (gate: Gate) => boolean, how: (gate: Gate) => void): void {
    const chosen = this.#gates.filter(which)
    this.#gates = this.#gates.filter((gate) => !which(gate))
    chosen.forEach(how)
  }

  #after (ms: number, fire: () => void): () => void {
    const timer = { at: this.clock.monotonic() + ms, fire }
    this.#timers.push(timer)
    return () => { this.#timers = this.#timers.filter((other) => other !== timer) }
  }

  #store (): LogStore {
    const { world } = this
    return {
      form: world.form,
      wait: async () => {},
      close: async () => {},
      snapshot: async (after, count) => {
        this.#confirm()
        const sent = { monotonic: this.clock.monotonic(), wall: this.clock.wall() }
        const snapshot = await this.through('follower', (redis) => redis.snapshot(after, count, world.now))
        this.#lastHead = snapshot.head
        this.#delivered = snapshot.entries.map(([, fields]) => fields)
        this.#heard(snapshot, sent)
        return snapshot
      },
      append: (generation, previous, retentionMs, entries) =>
        this.through('publisher', (redis) =>
          world.written(entries, redis.append(generation, previous, retentionMs, entries, world.now))
        ),
      change: (from, fields) =>
        this.through('publisher', (redis) => world.changed([fields], redis.change(from, fields, world.now))),
      confirmHistory: (generation, nonce) =>
        this.through('publisher', (redis) => redis.confirmHistory(generation, nonce)),
      confirmMaster: () => this.through('follower', (redis) => world.verdictOn(redis)),
      trim: (retentionMs) => this.through('publisher', (redis) => redis.trim(retentionMs, world.now))
    }
  }

  /** A revocation is known by its name from when it is taken, whenever it is appended. */
  #name (): string {
    const of = `of ${this.world.tick()}`
    if (this.taking === undefined) return of
    const revoked = { ...this.taking, of }
    this.taking = undefined
    this.world.revoked.set(of, revoked)
    this.#learn(revoked, revoked.taken)
    return of
  }

  #heard ({ isMaster, acknowledged, server = '' }: Snapshot, sent: Moment): void {
    if (acknowledged.length > 0) this.#attended.add(server)
    if (!isMaster) return
    this.#heardAt = [...this.#heardAt, sent].filter(({ monotonic }) => sent.monotonic - monotonic < 3000)
  }

  #watched (memory: MemoryCache): MemoryCache {
    return {
      ...memory,
      write: (key, entry, lifeMs, ...rest) => {
        this.world.stored(this, entry)
        this.#kept.add(entry.stamp.generation)
        return memory.write(key, entry, lifeMs, ...rest)
      }
    }
  }
}
