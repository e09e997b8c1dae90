import { once } from 'node:events'
import type { Clock } from '../../../base/clock.ts'
import { AuthgearTimeout, Overloaded, TokenCallFailed } from '../../../base/errors.ts'
import { GrantRefused, IdTokenRefused } from '../errors.ts'
import { classify } from '../../../base/authgear/resolver/answer.ts'
import { type CircuitBreaker, createCircuitBreaker } from '../../../base/authgear/resolver/circuit-breaker.ts'
import { Deadline } from '../../../base/authgear/resolver/deadline.ts'
import { type Asker, OURSELVES } from '../../../base/authgear/resolver/failures.ts'

/**
 * Calls of each kind at a time, and how many wait. Each has a breaker of its own: strangers bring codes, and what
 * becomes of those says nothing of people's sessions.
 */
const KINDS = {
  code: { maxRunning: 8, maxWaiting: 512, alternates: true },
  refresh: { maxRunning: 16, maxWaiting: 1024, alternates: false },
  revocation: { maxRunning: 6, maxWaiting: 1000, alternates: false }
} as const
export type Kind = keyof typeof KINDS

/** Deadline of a refresh whose old refresh token may be dead already. */
export const PATIENCE_MS = 30_000
/** Refreshes whose waiters gave up; beyond them a refresh has the time of any other call. */
const MAX_LATE = 48
/** Each kind may have a question of our own beside it. */
export const MAX_CONNECTIONS = Object.values(KINDS).reduce((sum, { maxRunning }) => sum + maxRunning + 1, MAX_LATE)
/** Between two questions of our own: Authgear allows an address 120 calls a minute. */
const DOUBT_MS = 5000

type Ask<T> = (patienceMs: number) => Promise<T>

export type TokenCallsDeps = Readonly<{
  /** The time for a place, and from then on for the answer. */
  timeoutMs: number
  clock: Pick<Clock, 'monotonic'>
  /** Comes before all of that. */
  ready: () => Promise<unknown>
  /** A call of nobody's, where those of too few clients got no answer. Rejects where it gets none either. */
  askAboutNobody: Ask<unknown>
}>

/**
 * When a call is made. A wait for its place takes nothing of its time: a call that is given up early says nothing of
 * Authgear, and one that Authgear still answers costs a session, where refresh tokens rotate.
 */
export function createTokenCalls ({ timeoutMs, clock: { monotonic }, ready, askAboutNobody }: TokenCallsDeps) {
  const breakers = {
    code: openBreaker('code', monotonic),
    refresh: openBreaker('refresh', monotonic),
    revocation: openBreaker('revocation', monotonic)
  } as const satisfies Record<Kind, CircuitBreaker>
  let nobodyAt = -Infinity
  let isAsking = false
  let lateCalls = 0

  async function call<T> (kind: Kind, asker: Asker, ask: Ask<T>, told?: () => void): Promise<T> {
    await ready()
    const waiting = new Deadline(timeoutMs)
    let late: Promise<T> | undefined
    const work = (): Promise<T> => {
      waiting.met()
      // undici does not give up a call that waits for a connection
      if (told === undefined || lateCalls >= MAX_LATE) return inTime(ask(timeoutMs), timeoutMs)
      late = ask(Math.max(PATIENCE_MS, timeoutMs))
      return inTime(late, timeoutMs)
    }
    try {
      const limits = [{ name: kind, ...KINDS[kind] }]
      return await breakers[kind].run(asker, waiting, work, limits).catch((error: unknown) => {
        if (late === undefined || !(error instanceof AuthgearTimeout)) throw error
        told?.()
        lateCalls++
        return late.finally(() => { lateCalls-- })
      })
    } catch (error) {
      if (error instanceof GrantRefused || error instanceof IdTokenRefused) throw error
      throw new TokenCallFailed(waiting.aborted ? new Overloaded() : classify(error, timeoutMs))
    } finally {
      waiting.met()
      if (!isAsking && breakers[kind].isDoubtful() && monotonic() - nobodyAt >= DOUBT_MS) {
        nobodyAt = monotonic()
        isAsking = true
        call(kind, OURSELVES, askAboutNobody).catch(() => {}) // the breaker has seen it
          .finally(() => { isAsking = false })
      }
    }
  }
  return call
}

const openBreaker = (kind: Kind, now: Clock['monotonic']): CircuitBreaker =>
  createCircuitBreaker(KINDS[kind].maxRunning, KINDS[kind].maxWaiting, {}, now)

/** A late answer is a failure to the circuit breaker, which goes on. */
async function inTime<T> (answer: Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = new Deadline(timeoutMs)
  const late = once(deadline, 'abort').then(() => { throw new AuthgearTimeout(timeoutMs) })
  return await Promise.race([answer, late]).finally(() => deadline.met())
}
