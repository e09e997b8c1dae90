import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  handleWhen,
  type IBackoff,
  type IBreaker
} from 'cockatiel'
import { AuthgearCircuitOpen } from '../../errors.ts'
import { createConcurrencyLimit, type Limit } from './concurrency-limit.ts'
import type { Deadline } from './deadline.ts'
import { type Asker, createFailures, isServerError, isUnanswered, namesOf, orNoCredential } from './failures.ts'
import type { OutageObserver } from './types.ts'

export type CircuitBreaker = Readonly<{
  /**
   * @param asker each of its whole credentials has its own slots; a question of this service's own needs none
   * @param limits in the place of those slots
   * @throws {Overloaded} @throws {AuthgearCircuitOpen} both at once, without running anything
   */
  run: <T>(asker: Asker, deadline: Deadline, task: () => Promise<T>, limits?: readonly Limit[]) => Promise<T>
  isClosed: () => boolean
  /** Many failed, of too few askers: run a question of this service's own. */
  isDoubtful: () => boolean
  state: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
}>

/** Until the breaker lets one probe through. */
const PAUSE_MS = 1000
/** The same for an asker whose probe failed: a client that a firewall dislikes would keep it open for all. */
const SAME_PAUSE_MS = 2000
/** A junk cookie beside a session makes a new key: without these bounds one session could take every slot. */
const PER_CREDENTIAL = { maxRunning: 4, maxWaiting: 16 } as const

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
  const failures = createFailures()
  const breaker = createBreaker(failures)
  let openedAt = -Infinity
  let probedBy: readonly string[] = []
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
    failures.clear()
    probedBy = []
    if (began !== undefined) outageEnded(now() - began, notAsked)
    began = undefined
  })
  // the library would make the others wait for the probe
  const isOpen = (): boolean => breaker.state === CircuitState.HalfOpen ||
    (breaker.state === CircuitState.Open && now() - openedAt < PAUSE_MS)
  /** @throws {AuthgearCircuitOpen} unless this asker may be asked about now, as the probe where it is open */
  function admit (asker: Asker): void {
    if (isOpen()) throw new AuthgearCircuitOpen()
    if (breaker.state === CircuitState.Closed) return
    const names = asker.isOwn === true ? [] : namesOf(asker)
    const isSame = names.some((name) => probedBy.includes(name))
    if (isSame && now() - openedAt < SAME_PAUSE_MS) throw new AuthgearCircuitOpen()
    probedBy = names
  }

  return Object.freeze({
    async run<T> (
      asker: Asker,
      deadline: Deadline,
      task: () => Promise<T>,
      limits = slotsOf(asker)
    ): Promise<T> {
      try {
        if (isOpen()) throw new AuthgearCircuitOpen()
        const ask = (): Promise<T> => {
          admit(asker)
          return breaker.execute(() => failures.watch(asker, task))
        }
        // its answer judges those who wait: there is one at a time, and a connection for it
        return asker.isOwn === true ? await ask() : await concurrency.run(limits, deadline, ask)
      } catch (error) {
        if (!(error instanceof AuthgearCircuitOpen || error instanceof BrokenCircuitError)) throw error
        notAsked++
        throw new AuthgearCircuitOpen()
      }
    },
    isClosed: () => breaker.state === CircuitState.Closed,
    isDoubtful: failures.isDoubtful,
    state: () => {
      const { running, waiting } = concurrency.state()
      return { inFlight: running, queued: waiting, circuitOpen: breaker.state !== CircuitState.Closed }
    }
  })
}

const slotsOf = ({ whole }: Asker): readonly Limit[] =>
  orNoCredential(whole).map((name) => ({ name, ...PER_CREDENTIAL }))

/** The library measures its pause by the wall clock, which can be set back an hour: `isOpen` measures it instead. */
const NO_PAUSE: IBackoff<unknown> = { duration: -Infinity, next: () => NO_PAUSE }

/** A call without an answer counts; an answered 5xx only if many different credentials had one. */
function createBreaker (failures: ReturnType<typeof createFailures>): CircuitBreakerPolicy {
  const breaker: IBreaker = { state: undefined, success: () => {}, failure: failures.isOutage }
  const isFailure = (error: Error): boolean =>
    isUnanswered(error) || (isServerError(error) && failures.areServerErrorsMany())
  return circuitBreaker(handleWhen(isFailure), { halfOpenAfter: NO_PAUSE, breaker })
}
