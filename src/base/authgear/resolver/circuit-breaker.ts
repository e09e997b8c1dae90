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
  let circuit: 'closed' | 'open' | 'probing' = 'closed'
  let openedAt = -Infinity
  let probedBy: readonly string[] = []
  let began: number | undefined
  let notAsked = 0
  /** A late failure of a call that began before leaves the pause as it is. */
  function open (): void {
    if (circuit === 'open') return
    circuit = 'open'
    openedAt = now()
    concurrency.dismiss(new AuthgearCircuitOpen())
    if (began !== undefined) return
    began = openedAt
    notAsked = 0
    outageBegan()
  }
  /** After a probe, unless a late failure opened the circuit while it was under way. */
  function close (): void {
    if (circuit !== 'probing') return
    circuit = 'closed'
    failures.clear()
    probedBy = []
    if (began !== undefined) outageEnded(now() - began, notAsked)
    began = undefined
  }
  const isOpen = (): boolean => circuit === 'probing' || (circuit === 'open' && now() - openedAt < PAUSE_MS)
  /** @throws {AuthgearCircuitOpen} unless this asker may be asked about now, as the probe where it is open */
  function admit (asker: Asker): void {
    if (isOpen()) throw new AuthgearCircuitOpen()
    if (circuit === 'closed') return
    const names = asker.isOwn === true ? [] : namesOf(asker)
    const isSame = names.some((name) => probedBy.includes(name))
    if (isSame && now() - openedAt < SAME_PAUSE_MS) throw new AuthgearCircuitOpen()
    probedBy = names
    circuit = 'probing'
  }
  async function ask<T> (asker: Asker, task: () => Promise<T>): Promise<T> {
    admit(asker)
    const isProbe = circuit === 'probing'
    try {
      const result = await failures.watch(asker, task)
      if (isProbe) close()
      return result
    } catch (error) {
      const failed = isFailure(error, failures)
      if (failed && (isProbe || failures.isOutage())) open()
      else if (isProbe) close()
      throw error
    }
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
        // its answer judges those who wait: there is one at a time, and a connection for it
        if (asker.isOwn === true) return await ask(asker, task)
        return await concurrency.run(limits, deadline, () => ask(asker, task))
      } catch (error) {
        if (error instanceof AuthgearCircuitOpen) notAsked++
        throw error
      }
    },
    isClosed: () => circuit === 'closed',
    isDoubtful: failures.isDoubtful,
    state: () => {
      const { running, waiting } = concurrency.state()
      return { inFlight: running, queued: waiting, circuitOpen: circuit !== 'closed' }
    }
  })
}

const slotsOf = ({ whole }: Asker): readonly Limit[] =>
  orNoCredential(whole).map((name) => ({ name, ...PER_CREDENTIAL }))

/** A call without an answer counts; an answered 5xx only if many different credentials had one. */
const isFailure = (error: unknown, { areServerErrorsMany }: ReturnType<typeof createFailures>): boolean =>
  isUnanswered(error) || (isServerError(error) && areServerErrorsMany())
