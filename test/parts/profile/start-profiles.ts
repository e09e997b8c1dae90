import { AdminApiError, type AdminApiErrorKind } from '../../../src/base/authgear/admin-api/errors.ts'
import type { UserReading, Users } from '../../../src/parts/profile/users.ts'
import type { UserId } from '../../../src/base/core/resolution.ts'
import { createBatches, createPause } from '../../../src/parts/profile/batches.ts'
import { createProfiles } from '../../../src/parts/profile/profiles.ts'
import { createReader } from '../../../src/parts/profile/reader.ts'
import { adminSource } from '../../../src/parts/profile/source.ts'
import { NO_SHARED_PROFILES } from '../../../src/parts/profile/shared.ts'
import { createMemoryLog } from '../../../src/base/revocation/memory-log.ts'
import type { Asker, Profile } from '../../../src/base/identity/profile.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

export const TTL_MS = 300_000
export const TIMEOUT_MS = 300
const DECIDE_WITHIN_MS = 2000
const STALE_MS = 60_000

export const userOf = (n: number): UserId => `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000` as UserId

/** Somebody by a resource token, or of whom no credentials are needed. */
export const askerOf = (userId: UserId): Asker => ({ userId, identity: [], subject: undefined })

type Answers = (ids: readonly string[]) => ReadonlyMap<string, UserReading> | Error

/** Everybody has the name that `nameOf` says. */
export const named = (nameOf: (id: string) => string): Answers => (ids) => new Map(ids.map((id) => [id, {
  kind: 'user', record: { isDisabled: false, attributes: {}, formattedName: nameOf(id), groups: [] }
} as const]))

/** Profiles on a clock and timers that stand still, over a log in memory and an Admin API that the test is. */
export function startProfiles (options: Readonly<{ maxBytes?: number, maxUsers?: number }> = {}) {
  const { maxBytes = 2 ** 22, maxUsers = 100 } = options
  const clock = manualClock()
  const counts: Record<string, number> = {}
  const count = (name: string, by = 1): void => { counts[name] = (counts[name] ?? 0) + by }
  const api = createScriptedApi()
  const log = createMemoryLog({ clock, retentionMs: TTL_MS + 300_000, observer: NO_OBSERVER })
  const following = { is: true }
  const revocations = { ...log, isFollowing: () => following.is }
  const pause = createPause(clock)
  const batches = createBatches({ users: api.users, pause, maxUsers, queried: (outcome) => count(`query ${outcome}`) })
  const rules = { fields: ['name'], sendsUnverifiedEmail: false } as const
  const source = adminSource(batches, pause)
  const reader = createReader({
    source,
    shared: NO_SHARED_PROFILES,
    revocations,
    rules,
    ttlMs: TTL_MS,
    clock,
    random: () => 0,
    read: (outcome) => count(`read ${outcome}`)
  })
  const timers = new Map<() => void, number>()
  const { of, facts, confirm, now } = createProfiles({
    reader,
    source,
    revocations,
    timeoutMs: TIMEOUT_MS,
    decideWithinMs: DECIDE_WITHIN_MS,
    staleIfErrorMs: STALE_MS,
    maxBytes,
    clock,
    answered: (outcome, by) => count(outcome, by),
    after: (ms, act) => {
      timers.set(act, clock.monotonic() + ms)
      return () => timers.delete(act)
    }
  })
  /** The clock goes on, and what is due by then happens. */
  function advance (ms: number): void {
    clock.advance(ms)
    for (const [act, at] of timers) if (at <= clock.monotonic() && timers.delete(act)) act()
  }
  const profiles = {
    now,
    of: (userId: UserId) => of(askerOf(userId)),
    facts: (userId: UserId, isAwaited: boolean) => facts(askerOf(userId), isAwaited),
    confirm: (userId: UserId, maxAgeMs: number) => confirm(askerOf(userId), maxAgeMs)
  }
  const drop = (userId: string) => log.revoke({ target: { kind: 'user', userId }, origin: 'webhook', quietMs: 0 })
  return { profiles, api, counts, timers, following, pause, advance, drop, clock }
}

/** Answers at once as `answer` says, or when `release` is called while it is held. */
function createScriptedApi () {
  const queries: string[][] = []
  const held: Array<() => void> = []
  const state = { answer: named(() => 'Alice'), isHeld: false, running: 0, maxRunning: 0 }
  const users: Users = {
    async read (ids) {
      queries.push([...ids])
      state.maxRunning = Math.max(state.maxRunning, ++state.running)
      await new Promise<void>((resolve) => { if (state.isHeld) held.push(resolve); else setImmediate(resolve) })
      state.running--
      const answer = state.answer(ids)
      if (answer instanceof Error) throw answer
      return answer
    }
  }
  const release = (): void => {
    state.isHeld = false
    for (const go of held.splice(0)) go()
  }
  const fails = (kind: AdminApiErrorKind): void => { state.answer = () => new AdminApiError(kind) }
  return { users, queries, state, release, fails }
}

/** Every turn of the loop that is due has happened. */
export async function settled (turns = 40): Promise<void> {
  for (let n = 0; n < turns; n++) await new Promise((resolve) => { setImmediate(resolve) })
}

/** What came without a wait; fails where somebody would wait. */
export function atOnce (answer: Profile | Promise<Profile>): Profile {
  if (answer instanceof Promise) throw new Error('it waits')
  return answer
}
