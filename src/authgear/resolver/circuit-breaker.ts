import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  handleWhen,
  type IBackoff,
  type IBreaker
} from 'cockatiel'
import type { SentDigests } from '../../core/cache-key.ts'
import { AuthgearCircuitOpen, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable } from '../../errors.ts'
import { createConcurrencyLimit, type Limit } from './concurrency-limit.ts'
import type { Deadline } from './deadline.ts'
import type { OutageObserver } from './types.ts'

export type CircuitBreaker = Readonly<{
  /**
   * @param digests of the credentials sent: each whole one has its own slots, and those that share one fail as one
   * @param limits in the place of those slots
   * @throws {Overloaded} @throws {AuthgearCircuitOpen} both at once, without running anything
   */
  run: <T>(digests: SentDigests, deadline: Deadline, task: () => Promise<T>, limits?: readonly Limit[]) => Promise<T>
  isClosed: () => boolean
  state: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
}>

/** Failures in a row that open the breaker. */
const MAX_FAILURES = 5
/** Until the breaker lets one probe through. */
const PAUSE_MS = 1000
/** A junk cookie beside a session makes a new key: without these bounds one session could take every slot. */
const PER_CREDENTIAL = { maxRunning: 4, maxWaiting: 16 } as const

/** Stands for credentials without a digest, such as an empty cookie. */
const NO_CREDENTIAL = ['nothing'] as const
const orNoCredential = (digests: readonly string[]): readonly string[] => digests.length > 0 ? digests : NO_CREDENTIAL

/**
 * The queue is outside the breaker: a rejection says nothing about Authgear, and a waiting request meets the breaker as
 * it is when its slot comes.
 * @param now monotonic milliseconds
 */
export function createCircuitBreaker (
  maxConcurrency: number,
  maxQueue: number,
  { outageBegan = () => {}, outageEnded = () => {} }: Partial<OutageObserver> = {},
  now = () => performance.now()
): CircuitBreaker {
  const concurrency = createConcurrencyLimit(maxConcurrency, maxQueue)
  const failed = createDifferentCredentials()
  const breaker = createBreaker(failed.areMany)
  let openedAt = -Infinity
  let began: number | undefined
  let notAsked = 0
  breaker.onBreak(() => {
    openedAt = now()
    concurrency.dismiss(new AuthgearCircuitOpen())
    if (began !== undefined) return
    began = openedAt
    notAsked = 0
    outageBegan()
  })
  breaker.onReset(() => {
    if (began !== undefined) outageEnded(now() - began, notAsked)
    began = undefined
  })
  // the library would make the others wait for the probe
  const isOpen = (): boolean => breaker.state === CircuitState.HalfOpen ||
    (breaker.state === CircuitState.Open && now() - openedAt < PAUSE_MS)

  return Object.freeze({
    async run<T> (
      { whole, all }: SentDigests,
      deadline: Deadline,
      task: () => Promise<T>,
      limits: readonly Limit[] = orNoCredential(whole).map((name) => ({ name, ...PER_CREDENTIAL }))
    ): Promise<T> {
      try {
        if (isOpen()) throw new AuthgearCircuitOpen()
        return await concurrency.run(limits, deadline, () => {
          if (isOpen()) throw new AuthgearCircuitOpen()
          return breaker.execute(() => failed.watch(orNoCredential(all), task))
        })
      } catch (error) {
        if (!(error instanceof AuthgearCircuitOpen || error instanceof BrokenCircuitError)) throw error
        notAsked++
        throw new AuthgearCircuitOpen()
      }
    },
    isClosed: () => breaker.state === CircuitState.Closed,
    state: () => {
      const { running, waiting } = concurrency.state()
      return { inFlight: running, queued: waiting, circuitOpen: breaker.state !== CircuitState.Closed }
    }
  })
}

/** The library measures its pause by the wall clock, which can be set back an hour: `isOpen` measures it instead. */
const NO_PAUSE: IBackoff<unknown> = { duration: -Infinity, next: () => NO_PAUSE }

/** Connection failures and time-outs always count; an answered 5xx only if many different credentials had one. */
function createBreaker (areMany: () => boolean): CircuitBreakerPolicy {
  let failures = 0
  const breaker: IBreaker = {
    state: undefined,
    success: () => { failures = 0 },
    failure: () => ++failures >= MAX_FAILURES || areMany()
  }
  const isFailure = (error: Error): boolean =>
    error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout || (isServerError(error) && areMany())
  return circuitBreaker(handleWhen(isFailure), { halfOpenAfter: NO_PAUSE, breaker })
}

const isServerError = (error: unknown): boolean => error instanceof AuthgearStatus && error.status >= 500

/** Counts credentials with a 5xx since Authgear's last verdict; those that share a credential count once. */
function createDifferentCredentials () {
  const seen = new Set<string>()
  let count = 0
  return {
    areMany: () => count >= MAX_FAILURES,
    async watch<T> (credentials: readonly string[], task: () => Promise<T>): Promise<T> {
      try {
        const result = await task()
        // V8 would give even an empty set a new table, kept until the next full collection
        if (count > 0) seen.clear()
        count = 0
        return result
      } catch (error) {
        if (isServerError(error) && count < MAX_FAILURES) {
          if (!credentials.some((name) => seen.has(name))) count++
          for (const name of credentials) seen.add(name)
        }
        throw error
      }
    }
  }
}
