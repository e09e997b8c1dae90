import { Overloaded } from '../../errors.ts'
import type { Deadline } from './deadline.ts'

/** A bound that some resolutions share, beside the one that all share. */
export type Limit = Readonly<{
  name: string
  maxRunning: number
  maxWaiting: number
  /**
   * Its turns go to the newest and to the oldest by turns: neither those who came last nor those who came first have
   * all of them.
   */
  alternates?: boolean
}>

export type ConcurrencyLimit = Readonly<{
  /**
   * @throws {Overloaded} at once where too many wait already
   * @throws the deadline's reason where the turn did not come in time
   */
  run: <T>(limits: readonly Limit[], deadline: Deadline, task: () => Promise<T>) => Promise<T>
  /** Whoever waits is turned away. */
  dismiss: (error: Error) => void
  state: () => Readonly<{ running: number, waiting: number }>
}>

type Waiter = Readonly<{ limits: readonly Limit[], enter: () => void, leave: (error: Error) => void }>
/** `turns`: how many of those who waited had theirs. */
type Count = { running: number, waiting: number, turns: number }

/**
 * Who may ask Authgear now, who waits, and who is turned away at once. The newest goes first: under overload the oldest
 * is about to be given up by whoever asked, and after everything was voided those who ask now are those who are there.
 */
export function createConcurrencyLimit (maxRunning: number, maxWaiting: number): ConcurrencyLimit {
  const counts = createCounts()
  const all: Limit = { name: '', maxRunning, maxWaiting }
  const waiters: Waiter[] = []

  const hasSlot = (limits: readonly Limit[]): boolean =>
    limits.every((limit) => counts.of(limit).running < limit.maxRunning)
  const hasQueuePlace = (limits: readonly Limit[]): boolean =>
    limits.every((limit) => counts.of(limit).waiting < limit.maxWaiting)

  function remove (waiter: Waiter): void {
    waiters.splice(waiters.indexOf(waiter), 1)
    counts.add(waiter.limits, 'waiting', -1)
  }

  function turnOf (limits: readonly Limit[], deadline: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (how: () => void): void => { deadline.off('abort', onAbort); remove(waiter); how() }
      const waiter: Waiter = { limits, enter: () => end(resolve), leave: (error) => end(() => reject(error)) }
      const onAbort = (): void => waiter.leave(deadline.reason ?? new Overloaded())
      deadline.once('abort', onAbort)
      counts.add(limits, 'waiting', 1)
      waiters.push(waiter)
    })
  }

  function release (limits: readonly Limit[]): void {
    counts.add(limits, 'running', -1)
    // several, where each waited for another limit of these
    for (let next = nextWaiter(limits); next !== undefined; next = nextWaiter(limits)) {
      counts.add(next.limits, 'running', 1) // before anybody else looks
      counts.add(next.limits, 'turns', 1)
      next.enter()
    }
  }

  function nextWaiter (freed: readonly Limit[]): Waiter | undefined {
    const isOldest = freed.some((limit) => limit.alternates === true && counts.of(limit).turns % 2 === 1)
    const mayEnter = (waiter: Waiter): boolean => hasSlot(waiter.limits)
    return isOldest ? waiters.find(mayEnter) : waiters.findLast(mayEnter)
  }

  return Object.freeze({
    async run<T> (some: readonly Limit[], deadline: Deadline, task: () => Promise<T>): Promise<T> {
      const limits = [all, ...some]
      if (hasSlot(limits)) counts.add(limits, 'running', 1)
      else if (hasQueuePlace(limits)) await turnOf(limits, deadline)
      else throw new Overloaded()
      try {
        return await task()
      } finally {
        release(limits)
      }
    },
    dismiss: (error: Error) => { for (const waiter of [...waiters]) waiter.leave(error) },
    state: () => {
      const { running, waiting } = counts.of(all)
      return { running, waiting }
    }
  })
}

const NOBODY: Readonly<Count> = Object.freeze({ running: 0, waiting: 0, turns: 0 })

/** Of limits that are in use; the others are forgotten. */
function createCounts () {
  const counts = new Map<string, Count>()
  return {
    of: ({ name }: Limit): Readonly<Count> => counts.get(name) ?? NOBODY,
    add (limits: readonly Limit[], what: keyof Count, by: 1 | -1): void {
      for (const { name } of limits) {
        const count = counts.get(name) ?? { ...NOBODY }
        count[what] += by
        if (count.running === 0 && count.waiting === 0) counts.delete(name)
        else counts.set(name, count)
      }
    }
  }
}
