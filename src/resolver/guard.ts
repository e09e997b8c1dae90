import { BrokenCircuitError, bulkhead, BulkheadRejectedError, circuitBreaker, type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel'
import { AuthgearCircuitOpen, AuthgearTimeout, AuthgearUnreachable, Overloaded } from '../errors.ts'

export type Guard = Readonly<{
  /** @throws {Overloaded} @throws {AuthgearCircuitOpen} both at once, without running anything */
  run: <T>(task: () => Promise<T>) => Promise<T>
  isClosed: () => boolean
  state: () => Readonly<{ inFlight: number, queued: number, circuitOpen: boolean }>
}>

/** Connection failures and time-outs in a row that open the breaker; an answered error is the affair of one credential. */
const FAILURES = 5
/** Milliseconds until one probe is let through. */
const PAUSE = 1000

/** Breaker outside bulkhead: what the bulkhead turns away says nothing about Authgear. */
export function createGuard (maxConcurrency: number, maxQueue: number): Guard {
  const slots = bulkhead(maxConcurrency, maxQueue)
  // a probe that never left the queue has proved nothing, and the library takes what is not a failure for a success
  const isFailure = (error: Error): boolean => error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout ||
    (error instanceof Overloaded && breaker.state === CircuitState.HalfOpen)
  const breaker: CircuitBreakerPolicy = circuitBreaker(handleWhen(isFailure), { halfOpenAfter: PAUSE, breaker: new ConsecutiveBreaker(FAILURES) })
  return Object.freeze({
    async run<T> (task: () => Promise<T>): Promise<T> {
      if (slots.executionSlots === 0 && slots.queueSlots === 0) throw new Overloaded()
      // the library makes the others wait for the probe
      if (breaker.state === CircuitState.HalfOpen) throw new AuthgearCircuitOpen()
      const queuedWhileClosed = breaker.state === CircuitState.Closed
      return await breaker.execute(() => slots.execute(async () => {
        if (queuedWhileClosed && breaker.state !== CircuitState.Closed) throw new AuthgearCircuitOpen()
        return await task()
      })).catch(translate)
    },
    isClosed: () => breaker.state === CircuitState.Closed,
    state: () => ({
      inFlight: maxConcurrency - slots.executionSlots,
      queued: maxQueue - slots.queueSlots,
      circuitOpen: breaker.state !== CircuitState.Closed
    })
  })
}

function translate (error: unknown): never {
  if (error instanceof BrokenCircuitError) throw new AuthgearCircuitOpen()
  if (error instanceof BulkheadRejectedError) throw new Overloaded()
  throw error
}
