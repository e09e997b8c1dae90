import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { Authentication } from '../../src/base/authenticate/types.ts'
import type { CredentialDigest } from '../../src/base/core/cache-key.ts'
import type { Credentials } from '../../src/base/core/credentials.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import type { Resolution, UserId } from '../../src/base/core/resolution.ts'
import { CLOCK_TOLERANCE_MS } from '../../src/base/core/resource-token.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { AuthgearTimeout, AuthgearUnreachable } from '../../src/base/errors.ts'
import type { ResolverResult } from '../../src/base/authgear/resolver/types.ts'
import type { RedisForm } from '../../src/base/redis/options.ts'
import {
  EVERYTHING, nameOf, type RevokeOutcome, type Target, type TokenNames
} from '../../src/base/revocation/types.ts'
import { createEntryCodec, type Fields } from '../../src/base/revocation/codec.ts'
import type { Written } from '../../src/base/revocation/store.ts'
import { INVALID, validResolution } from '../helpers/identity.ts'
import { FakeRedis } from './fake-redis.ts'
import { PEOPLE, type Person } from './people.ts'
import { CHANNELS, Replica } from './replica.ts'

/** Milliseconds, but for the page; shorter than in life, so that more of them pass in one run. */
export const LIMITS = Object.freeze({
  ttl: 40_000,
  timeout: 5000,
  degraded: 2000,
  retention: 60_000,
  tokenAge: 90_000,
  logRetention: 120_000,
  page: 3,
  refreshAhead: 0.5,
  stale: 10_000
})
const HOUR = 3_600_000
const codec = createEntryCodec(Buffer.alloc(32, 7))
const foreignCodec = createEntryCodec(Buffer.alloc(32, 8))

/** `taken` and every other event is a number of the one order in which all events happen. */
export type Revoked = Readonly<{
  of: string
  name: string
  taken: number
  quietMs: number
  /** Milliseconds by the world's clock: nothing of it is quiet for longer than `quietMs` after that. */
  takenAt: number
  /** Resource tokens that were issued before. */
  ends: boolean
  holders: Set<Replica>
}>
/** A resource token, and the event at which Authgear issued it. */
type Issued = TokenNames & Readonly<{ names: readonly string[], began: number }>
type Asked = {
  readonly id: number
  readonly replica: Replica
  readonly person: Person
  readonly began: number
  readonly at: number
  readonly atMonotonic: number
  readonly generation: string
  readonly early: boolean
  isOver: boolean
  isRefused: boolean
  readonly answer: (resolution: Resolution) => void
  readonly fail: () => void
}
export type Counts = {
  commands: number
  revocations: number
  acknowledged: number
  answers: number
  fromMemory: number
  fromRedis: number
  stale: number
  renewed: number
  overtaken: number
  adoptions: number
  disturbances: number
  acknowledgedChecks: number
  reboots: number
  junk: number
  junkSkipped: number
  tokens: number
  tokensGood: number
  tokensRevoked: number
  tokensUnknown: number
}

export class World {
  now = 1_795_561_910_000
  master: FakeRedis
  readonly servers: FakeRedis[]
  readonly replicas: Replica[]
  readonly delayed: Array<() => void> = []
  readonly revoked = new Map<string, Revoked>()
  /** Event at which the entry with that nonce was appended. */
  readonly appended = new Map<string, number>()
  readonly acknowledged = new Map<string, number>()
  readonly disabled = new Map<string, number>()
  /** Whether somebody can say which server is the master. */
  hasSentinels = false
  hadSentinels = false
  /** Event at which all ended and began again. */
  rebooted = 0
  readonly #deposedAt = new Map<FakeRedis, number>()
  /** Nobody can reach Authgear. */
  isOut = false
  readonly count: Counts
  /** With Sentinels each master has two Redis replicas. */
  readonly form: RedisForm
  /** Event of the newest failover, flush, eviction or change of generation. */
  disturbed = 0
  #events = 0
  #asked: Asked[] = []
  #asks = 0
  #issued: Issued[] = []
  /** Redis' clock was wrong once: what was revoked then counts from another time. */
  #wasSkewed = false
  #open = new Map<object, Replica>()
  #waiting: Array<() => void> = []
  #violation: string | undefined

  constructor (count: Counts, form: RedisForm) {
    this.count = count
    this.form = form
    this.master = new FakeRedis(0)
    this.master.hasNear = form === 'sentinel'
    this.hasSentinels = form === 'sentinel'
    this.servers = [this.master]
    this.replicas = [0, HOUR, -HOUR].map((wallOff, index) => new Replica(this, index, wallOff, codec))
  }

  tick (): number { return ++this.#events }
  fail (what: string): void { this.#violation ??= what }
  disturb (): void { this.disturbed = this.tick(); this.count.disturbances++ }
  somethingHappens (): Promise<void> { return new Promise((resolve) => { this.#waiting.push(resolve) }) }

  crash (replica: Replica): void {
    replica.die()
    this.#open = new Map([...this.#open].filter(([, other]) => other !== replica))
  }

  /** @param stay one bit a connection: whether it stays with the deposed master */
  promote (server: FakeRedis, isDemoted: boolean, stay: number, isSilent = false): void {
    const old = this.master
    this.#deposedAt.set(old, this.now)
    this.#deposedAt.delete(server)
    old.role = isDemoted ? 'slave' : 'master'
    old.replica = isSilent ? 'silent' : 'none'
    server.role = 'master'
    server.replica = 'live'
    server.history++
    if (!this.servers.includes(server)) this.servers.push(server)
    this.master = server
    this.disturb()
    for (const replica of this.replicas) {
      CHANNELS.forEach((channel, bit) => {
        const stays = (stay >> (3 * replica.index + bit)) % 2 === 1
        if (!stays && replica.connections[channel] === old) replica.cut(channel)
      })
    }
  }

  restart (index: number): void {
    const old = this.replicas[index]
    if (old === undefined) return
    const fresh = new Replica(this, index, old.wallOff, codec)
    this.replicas[index] = fresh
    fresh.connect()
  }

  /** Everything that can happen without time passing happens; then whatever must hold is looked at. */
  async settle (): Promise<void> {
    this.#wasSkewed ||= this.servers.some(({ skew }) => skew !== 0)
    await turnOfTheLoop()
    for (const go of this.#waiting.splice(0)) go()
    await turnOfTheLoop()
    for (const replica of this.replicas) if (!replica.dead) replica.observe()
    if (this.#violation !== undefined) throw new Error(this.#violation)
  }

  advance (ms: number): void {
    this.now += ms
    for (const replica of this.replicas) if (replica.isCurrent) replica.wake()
    for (const asked of this.#pending()) if (this.now - asked.at >= LIMITS.timeout) this.#end(asked, asked.fail)
  }

  request (replica: Replica, person: Person, confirmWithin?: number): void {
    const at = replica.clock.monotonic()
    const asks = this.#asks
    const answer =
      confirmWithin === undefined
        ? replica.authenticator.authenticate(person)
        : replica.authenticator.confirm(person, confirmWithin)
    if (!(answer instanceof Promise)) { this.#check(replica, person, at, answer); return this.#watchRenewal(asks) }
    const waits = this.#opened(replica)
    answer.then(
      (result) => {
        waits()
        if (!replica.dead) this.#check(replica, person, at, result)
      },
      (error) => this.fail(`authenticate rejected: ${String(error)}`)
    )
  }

  /** An answer from memory may start a renewal, in later turns of the loop. */
  #watchRenewal (asks: number): void {
    turnOfTheLoop().then(() => { if (this.#asks > asks) this.count.renewed++ }, () => {})
  }

  /** Authgear gives a client a token for a user; what was revoked before does not concern it. */
  issue (user: string): Issued {
    const [began, clientId] = [this.tick(), 'client']
    const id = String(began)
    const names = [EVERYTHING, `u:${user}`, `k:${clientId}`, `t:${id}`]
    const issuedAt = Math.floor(this.now / 1000) * 1000 as EpochMs
    const token = { userId: user as UserId, clientId, id, issuedAt, names, began }
    this.#issued.push(token)
    this.count.tokens++
    return token
  }

  use (replica: Replica, which: number): void {
    const token = this.#issued.at(which % Math.max(1, this.#issued.length))
    if (token === undefined || this.now - token.issuedAt >= LIMITS.tokenAge) return
    if (token.issuedAt > replica.clock.wall() + CLOCK_TOLERANCE_MS) return // refused before: `iat` is in the future
    const standing = replica.log.standingOf(token)
    if (standing === 'unknown') this.count.tokensUnknown++
    if (standing === 'revoked') this.count.tokensRevoked++
    if (standing !== 'good') return
    this.count.tokensGood++
    if (this.#isClockBehind()) return
    this.#checkToken(replica, token)
    // one that does not follow accepts what is no older than the degraded TTL
    const isOld = this.now - token.issuedAt > LIMITS.degraded + CLOCK_TOLERANCE_MS
    if (isOld && !replica.log.isFollowing() && !replica.isBlurred) {
      if (replica.clock.monotonic() - replica.followedAt > LIMITS.degraded) {
        this.fail(`T3: replica ${replica.index} does not follow, and accepts an old token`)
      }
    }
    if (!replica.log.isFollowing()) return
    this.#checkRebooted(token.names, token.began, 'a token', true)
    this.#checkAcknowledged(replica, token.names, token.began, 'a token', true)
  }

  /** A revocation counts from Redis' time: one that is late ends less than it should. */
  #isClockBehind (): boolean { return this.servers.some(({ skew }) => skew < -4000) }

  #checkToken (replica: Replica, { names, began }: Issued): void {
    for (const { revoked } of replica.known.values()) {
      if (revoked.ends && names.includes(revoked.name) && began < revoked.taken) {
        this.fail(`T1: replica ${replica.index} accepts a token of ${began} that was revoked at ${revoked.taken}`)
      }
    }
  }

  /** @param ends whether it ends resource tokens */
  revoke (replica: Replica, target: Target, quietMs: number, ends: boolean): void {
    const name = nameOf(target)
    replica.taking = { name, taken: this.tick(), takenAt: this.now, quietMs, ends, holders: new Set([replica]) }
    this.count.revocations++
    const before = this.revoked.size
    const outcome: Promise<RevokeOutcome> = replica.log.revoke({
      target, origin: 'webhook', quietMs, ...ends ? { ends: 0 } : {}
    })
    const of = [...this.revoked.keys()].at(-1) ?? ''
    if (this.revoked.size === before) this.fail('a revocation has no name')
    const waits = this.#opened(replica)
    outcome.then((kind) => {
      waits()
      if (kind === 'logged') { this.acknowledged.set(of, this.tick()); this.count.acknowledged++ }
    }, (error) => this.fail(`revoke rejected: ${String(error)}`))
  }

  written (entries: readonly Fields[], written: Written): Written {
    if (written.kind === 'written') for (const { nonce } of entries) this.appended.set(nonce, this.tick())
    return written
  }

  changed (entries: readonly Fields[], written: Written): Written {
    if (written.kind === 'written') this.disturb()
    return this.written(entries, written)
  }

  /** A replica of another CACHE_SECRET revokes a credential: nobody here can tell whose. */
  junk (): void {
    const { gen, nonce } = this.master.head ?? { gen: '', nonce: '' }
    const target = { kind: 'credential', digest: 'a digest of theirs' as CredentialDigest } as const
    const fields = foreignCodec.encode(gen, nonce, `junk ${this.#events}`, { target, origin: 'webhook', quietMs: 0 })
    this.written([fields], this.master.append(gen, nonce, LIMITS.retention, [fields], this.now))
    this.count.junk++
  }

  /** What Sentinels say: while they can be asked they know, and else nobody does. */
  verdictOn (redis: FakeRedis): 'master' | 'other' | 'unknown' {
    if (!this.hasSentinels) return 'unknown'
    this.hadSentinels = true
    return redis === this.master ? 'master' : 'other'
  }

  isLongDeposed (redis: FakeRedis): boolean {
    return redis !== this.master && this.now - (this.#deposedAt.get(redis) ?? Infinity) > 3000
  }

  /** All processes of all machines end; Redis starts again on an older snapshot, or as it was. */
  reboot (lost: number): void {
    for (const replica of this.replicas) this.crash(replica)
    this.delayed.splice(0)
    this.disturb()
    this.master.restore(lost)
    this.rebooted = this.tick()
    this.count.reboots++
    this.now += 1000 // no machine is faster; a token's time of issue is in whole seconds
    this.replicas.forEach((_, index) => this.restart(index))
  }

  /** Authgear begins to look; whether it has looked already is `early`. */
  resolve (replica: Replica, credentials: Credentials): Promise<ResolverResult> {
    const person = PEOPLE.find((some) => some.credentials === credentials)
    if (person === undefined) throw new Error('nobody sent these')
    if (this.isOut) return Promise.reject(new AuthgearUnreachable(new Error('an outage')))
    const id = this.#asked.length
    this.#asks++
    return new Promise<ResolverResult>((resolve, reject) => {
      this.#asked.push({
        id,
        replica,
        person,
        began: this.tick(),
        at: this.now,
        atMonotonic: replica.clock.monotonic(),
        generation: replica.generation,
        early: this.disabled.has(person.user),
        isOver: false,
        isRefused: false,
        answer: (resolution) => resolve({ resolution, isConclusive: true }),
        fail: () => reject(new AuthgearTimeout(LIMITS.timeout))
      })
    })
  }

  /**
   * @param which of those that wait; -1 is the newest
   * @param early whether Authgear had looked when it was asked, or looks now
   */
  answer (which: number, early: boolean): void {
    const pending = this.#pending()
    const asked = pending.at(which % Math.max(1, pending.length))
    if (asked === undefined) return
    const isDisabled = early ? asked.early : this.disabled.has(asked.person.user)
    asked.isRefused = isDisabled
    this.#end(asked, () =>
      asked.answer(
        isDisabled ? INVALID : validResolution({ 'user-id': asked.person.user, 'user-roles': String(asked.id) })
      )
    )
  }

  stored (replica: Replica, entry: Entry): void {
    const asked = this.#of(entry.resolution)
    if (asked === undefined) return
    if (asked.replica === replica && replica.isQuiet(asked.person.names, asked.atMonotonic)) {
      this.fail('a resolution that began within a quiet time was stored in memory')
    }
  }

  told (replica: Replica, entry: Entry): void {
    const asked = this.#of(entry.resolution)
    if (!replica.mayFollow) this.fail('a replica that does not follow wrote to Redis')
    if (asked !== undefined && replica.isQuiet(asked.person.names, asked.atMonotonic)) {
      this.fail('a resolution that began within a quiet time was stored in Redis')
    }
  }

  /** The faults end: the replicas that are left must find back, and nothing may hang. */
  async heal (): Promise<void> {
    this.isOut = false
    this.master.replica = 'live'
    this.hasSentinels ||= this.hadSentinels // who was told of another master needs to be told of this one
    for (const replica of this.replicas) {
      if (replica.dead) continue
      replica.frozen = false
      for (const channel of CHANNELS) {
        if (replica.connections[channel] !== this.master) replica.cut(channel)
        replica.release(channel, true)
        await this.settle() // one thing at a time: an answer is judged by what was known when it was given
      }
      replica.connect()
    }
    for (let round = 0; round < 28; round++) {
      if (round === 12) this.advance(31_000) // junk that was skipped, and a generation left as it is, are over by then
      for (const replica of this.replicas) { if (!replica.dead) replica.poll().catch(() => {}); await this.settle() }
      for (let answers = 0; answers < 30 && this.#pending().length > 0; answers++) {
        this.answer(0, true)
        await this.settle()
      }
      this.advance(100)
      await this.settle()
    }
    this.#allIsWell()
    for (const replica of this.replicas) if (!replica.dead) await this.#answersAll(replica)
    await this.#acceptsNew()
  }

  /** Whatever was revoked or lost: a token that is issued now is good on every replica that follows. */
  async #acceptsNew (): Promise<void> {
    if (this.#wasSkewed) return
    this.advance(7000) // clocks may be apart by five seconds
    for (const replica of this.replicas) { if (!replica.dead) replica.poll().catch(() => {}); await this.settle() }
    const token = this.issue('ann')
    for (const replica of this.replicas) {
      if (replica.dead || !replica.log.isFollowing()) continue
      const standing = replica.log.standingOf(token)
      if (standing !== 'good') throw new Error(`T2: a new token is ${standing} on replica ${replica.index}`)
    }
  }

  /** What was revoked long ago keeps nobody out. */
  async #answersAll (replica: Replica): Promise<void> {
    for (const person of PEOPLE) {
      this.request(replica, person)
      await this.settle()
      this.advance(400) // longer than anybody waits for another's lease
      await this.settle()
      this.answer(-1, false)
      await this.settle()
      if (this.#open.size > 0) throw new Error('it does not answer although all faults are gone')
    }
  }

  #allIsWell (): void {
    const alive = this.replicas.filter((replica) => !replica.dead)
    if (this.#open.size > 0) throw new Error(`${this.#open.size} requests or revocations hang`)
    for (const replica of alive) {
      if (replica.mayFollow !== replica.log.isFollowing()) {
        throw new Error('it does not follow although nothing keeps it from it')
      }
      if (replica.mayFollow && !replica.log.trustsShared()) throw new Error('what it carried was never read back')
      if (replica.generation !== this.master.generation) throw new Error('it is not in the current generation')
    }
    for (const revoked of this.master.isPartial ? [] : this.revoked.values()) {
      const { of, holders } = revoked
      if (this.#isCovered(revoked, alive)) continue
      const isHeldHere = alive.some((replica) => holders.has(replica) && this.#isRecent(replica, of))
      if (isHeldHere && alive.some((replica) => !replica.known.has(of))) {
        throw new Error('a revocation that a live replica holds never reached another')
      }
    }
  }

  /** Of all that revoke everything the newest alone is republished; junk is read as one of them. */
  #isCovered ({ name, taken }: Revoked, alive: readonly Replica[]): boolean {
    if (name !== EVERYTHING) return false
    const newer = [...this.revoked.values()].filter((other) => other.name === EVERYTHING && other.taken > taken)
    return alive.every(({ known, junkRead }) => junkRead > taken || newer.some(({ of }) => known.has(of)))
  }

  #isRecent (replica: Replica, of: string): boolean {
    const known = replica.known.get(of)
    return known !== undefined && replica.clock.monotonic() - known.quietFrom < LIMITS.retention
  }

  #pending (): Asked[] { return this.#asked.filter(({ isOver, replica }) => !isOver && replica.isCurrent) }

  #end (asked: Asked, how: () => void): void {
    asked.isOver = true
    how()
  }

  #opened (replica: Replica): () => void {
    const token = {}
    this.#open.set(token, replica)
    return () => { this.#open.delete(token) }
  }

  #of (resolution: Resolution): Asked | undefined {
    return resolution.kind === 'valid' ? this.#asked[Number(resolution.identity.at(4))] : undefined
  }

  #check (replica: Replica, person: Person, calledAt: number, answer: Authentication): void {
    if (answer.kind === 'unavailable' && answer.error.code === 'REVOKED_MEANWHILE') this.count.overtaken++
    if (answer.kind !== 'resolved' || answer.resolution.kind !== 'valid') return
    const asked = this.#of(answer.resolution)
    if (asked === undefined) return this.fail('an answer out of nowhere')
    this.count.answers++
    if (answer.source === 'memory') this.count.fromMemory++
    if (answer.source === 'redis') this.count.fromRedis++
    this.#checkKnown(replica, person, asked, answer.source)
    this.#checkAge(replica, person, asked, answer)
    this.#checkAcknowledged(replica, person.names, asked.began, answer.source)
    this.#checkRebooted(person.names, asked.began, answer.source)
    const isOldQuiet =
      asked.replica === replica && replica.isQuiet(person.names, asked.atMonotonic) &&
      calledAt - asked.atMonotonic > 100
    if (isOldQuiet) this.fail('a request joined a quiet resolution older than 100 ms')
  }

  #checkKnown (replica: Replica, person: Person, asked: Asked, source: string): void {
    if (asked.generation !== replica.generation) {
      this.fail(`I2: replica ${replica.index} answers from ${source} what was resolved under another generation`)
    }
    if (replica.log.isFollowing() && asked.began < replica.junkRead) {
      this.fail(`I1: replica ${replica.index} follows, and answers from ${source} what is older than junk that it read`)
    }
    for (const { revoked, voidBefore } of replica.known.values()) {
      if (!person.names.includes(revoked.name)) continue
      if (asked.began < voidBefore) {
        this.fail(
          `I1: replica ${replica.index} answers from ${source} a resolution that began at ${asked.began}, revoked at ` +
            `${voidBefore}`
        )
      }
      if ((this.disabled.get(person.user) ?? Infinity) < revoked.taken) {
        this.fail(`I1: replica ${replica.index} answers from ${source} for a user who is disabled and revoked`)
      }
    }
  }

  #checkAge (
    replica: Replica,
    person: Person,
    asked: Asked,
    { source, stale }: Authentication & { kind: 'resolved' }
  ): void {
    if (stale) this.#checkStale(replica, person, asked)
    if (source === 'redis' && !replica.mayFollow) this.fail('a shared entry was used by a replica that does not follow')
    if (source === 'authgear') return
    const age = this.now - asked.at // from when Authgear was asked, however long the answer was on its way
    if (replica.isBlurred) return
    if (age > LIMITS.ttl + (stale ? LIMITS.stale : 0)) this.fail('an entry was used after its life')
    if (age > LIMITS.degraded && !replica.mayFollow) {
      this.fail('an entry older than the degraded TTL was used by a replica that does not follow')
    }
  }

  #checkStale (replica: Replica, person: Person, asked: Asked): void {
    this.count.stale++
    if (!replica.mayFollow) this.fail('a session was used past its life by a replica that does not follow')
    const isRefuted = this.#asked.some(
      (later) => later.replica === replica && later.person === person && later.isRefused && later.began > asked.began
    )
    if (isRefuted) this.fail('a session was used past its life although Authgear has refused it since')
  }

  /** What was acknowledged before everything started again is ignored by nobody after it. */
  #checkRebooted (names: readonly string[], began: number, source: string, isToken = false): void {
    if (began > this.rebooted) return
    for (const [of, at] of this.acknowledged) {
      const revoked = this.revoked.get(of)
      if (revoked === undefined || at > this.rebooted || !names.includes(revoked.name)) continue
      if (isToken && !revoked.ends) continue
      if (began < revoked.taken) {
        this.fail(`I4: an answer from ${source} is older than a revocation that was acknowledged before a restart of all`)
      }
    }
  }

  /** I3, where all who live follow the master, lack nothing, and this one has read since. */
  #checkAcknowledged (
    replica: Replica,
    names: readonly string[],
    began: number,
    source: string,
    isToken = false
  ): void {
    const alive = this.replicas.filter(({ dead }) => !dead)
    const since = Math.max(
      this.disturbed,
      ...alive.map(({ linked, cleanSince }) =>
        linked?.redis === this.master && linked.first > this.disturbed ? Math.max(linked.first, cleanSince) : Infinity
      )
    )
    if ((replica.linked?.began ?? 0) <= since) return
    for (const [of, at] of this.acknowledged) {
      const revoked = this.revoked.get(of)
      if (revoked === undefined || !names.includes(revoked.name) || (replica.linked?.began ?? 0) <= at) continue
      if (!alive.some((some) => revoked.holders.has(some)) || (isToken && !revoked.ends)) continue
      this.count.acknowledgedChecks++
      if (began < revoked.taken) {
        this.fail(
          `I3: replica ${replica.index} answers from ${source} what began at ${began}, acknowledged revocation ` +
            `of ${revoked.taken}`
        )
      }
    }
  }
}
