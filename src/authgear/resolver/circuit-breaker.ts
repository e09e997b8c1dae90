import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  handleWhen,
  type IBackoff,
  type IBreaker
} from 'cockatiel'
import { AuthgearCircuitOpen, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable } from '../../errors.ts'
import { createConcurrencyLimit } from './concurrency-limit.ts'
import type { Deadline } from './deadline.ts'
import type { SentDigests } from './types.ts'

export type CircuitBreaker = Readonly<{
  /**
   * @param digests of what is sent: one whole credential has its slots, and those that share one fail as one
   * @throws {Overloaded} @throws {AuthgearCircuitOpen} both at once, without running anything
   */
  run: <T>(digests: SentDigests, deadline: Deadline, task: () => Promise<T>) => Promise<T>
  isClosed: () => boolean
  state: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
}>

/** Failures in a row that open the breaker. */
const FAILURES = 5
/** Milliseconds until one probe is let through. */
const PAUSE_MS = 1000
/** A junk cookie beside a session makes another key of it: without these one session could take every slot. */
const PER_CREDENTIAL = { maxRunning: 4, maxWaiting: 16 } as const

/** Stands for what names nobody, as an empty cookie does. */
const NOTHING = ['nothing'] as const
const orNothing = (digests: readonly string[]): readonly string[] => digests.length > 0 ? digests : NOTHING

/**
 * The queue is outside the breaker: what is turned away says nothing about Authgear, and what waited is judged by how
 * it is when its turn comes.
 * @param now monotonic milliseconds
 */
export function createCircuitBreaker (
  maxConcurrency: number,
  maxQueue: number,
  now = () => performance.now()
): CircuitBreaker {
  const concurrency = createConcurrencyLimit(maxConcurrency, maxQueue)
  const failed = createDifferentCredentials()
  const breaker = createBreaker(failed.areMany)
  let openedAt = -Infinity
  breaker.onBreak(() => {
    openedAt = now()
    concurrency.dismiss(new AuthgearCircuitOpen())
  })
  // the library makes the others wait for the probe
  const isOpen = (): boolean => breaker.state === CircuitState.HalfOpen ||
    (breaker.state === CircuitState.Open && now() - openedAt < PAUSE_MS)

  return Object.freeze({
    async run<T> ({ whole, all }: SentDigests, deadline: Deadline, task: () => Promise<T>): Promise<T> {
      if (isOpen()) throw new AuthgearCircuitOpen()
      const limits = orNothing(whole).map((name) => ({ name, ...PER_CREDENTIAL }))
      return await concurrency.run(limits, deadline, async () => {
        if (isOpen()) throw new AuthgearCircuitOpen()
        return await breaker.execute(() => failed.watch(orNothing(all), task))
      }).catch(translate)
    },
    isClosed: () => breaker.state === CircuitState.Closed,
    state: () => {
      const { running, waiting } = concurrency.state()
      return { inFlight: running, queued: waiting, circuitOpen: breaker.state !== CircuitState.Closed }
    }
  })
}

/**
 * The library measures its pause by the wall clock, and one that is set back an hour would keep it open for that hour:
 * `isLeftAlone` measures it.
 */
const NO_PAUSE: IBackoff<unknown> = { duration: -Infinity, next: () => NO_PAUSE }

/**
 * Connection failures and time-outs count each; an answered error only where it is not the affair of a few credentials.
 */
function createBreaker (areMany: () => boolean): CircuitBreakerPolicy {
  let failures = 0
  const breaker: IBreaker = {
    state: undefined,
    success: () => { failures = 0 },
    failure: () => ++failures >= FAILURES || areMany()
  }
  const isFailure = (error: Error): boolean =>
    error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout || (isServerError(error) && areMany())
  return circuitBreaker(handleWhen(isFailure), { halfOpenAfter: NO_PAUSE, breaker })
}

const isServerError = (error: unknown): boolean => error instanceof AuthgearStatus && error.status >= 500

/**
 * Who got an answered error since Authgear last gave a verdict; who shares a credential with one of them is none more.
 */
function createDifferentCredentials () {
  const seen = new Set<string>()
  let count = 0
  return {
    areMany: () => count >= FAILURES,
    async watch<T> (credentials: readonly string[], task: () => Promise<T>): Promise<T> {
      try {
        const result = await task()
        // an empty one too would get a new table from V8, kept until the next full collection
        if (count > 0) seen.clear()
        count = 0
        return result
      } catch (error) {
        if (isServerError(error) && count < FAILURES) {
          if (!credentials.some((name) => seen.has(name))) count++
          for (const name of credentials) seen.add(name)
        }
        throw error
      }
    }
  }
}

function translate (error: unknown): never {
  if (error instanceof BrokenCircuitError) throw new AuthgearCircuitOpen()
  throw error
}
