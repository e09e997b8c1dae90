import { Overloaded } from '../../errors.ts'
import { Deadline } from './deadline.ts'

/** A bound that some resolutions share, besides the bound for all. */
export type Limit = Readonly<{
  name: string
  maxRunning: number
  maxWaiting: number
  /** A free slot goes to the newest and to the oldest waiter alternately, so that neither starves. */
  alternates?: boolean
  /** A free slot goes to the oldest waiter. */
  isInOrder?: boolean
}>

export type ConcurrencyLimit = Readonly<{
  /**
   * @throws {Overloaded} at once where too many wait already
   * @throws the deadline's reason where no slot is free in time
   */
  run: <T>(limits: readonly Limit[], deadline: Deadline, task: () => Promise<T>) => Promise<T>
  /** Rejects all waiters. */
  dismiss: (error: Error) => void
  state: () => Readonly<{ running: number, waiting: number }>
}>

type Waiter = Readonly<{ limits: readonly Limit[], enter: () => void, leave: (error: Error) => void }>
/** `admitted`: how many waiters got a slot so far. */
type Count = { running: number, waiting: number, admitted: number }

/**
 * Decides whether a resolution starts, waits or is rejected at once. The newest waiter goes first: under overload the
 * oldest clients are about to hang up, and after a revocation of everything the newest requests are of people present.
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

  function waitForSlot (limits: readonly Limit[], deadline: Deadline): Promise<void> {
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
    // several may start, each from another of these limits
    for (let next = nextWaiter(limits); next !== undefined; next = nextWaiter(limits)) {
      counts.add(next.limits, 'running', 1) // at once, so that nobody else takes the slot
      counts.add(next.limits, 'admitted', 1)
      next.enter()
    }
  }

  function nextWaiter (freed: readonly Limit[]): Waiter | undefined {
    const isOldest = freed.some((limit) => limit.isInOrder === true ||
      (limit.alternates === true && counts.of(limit).admitted % 2 === 1))
    const mayEnter = (waiter: Waiter): boolean => hasSlot(waiter.limits)
    return isOldest ? waiters.find(mayEnter) : waiters.findLast(mayEnter)
  }

  return Object.freeze({
    async run<T> (some: readonly Limit[], deadline: Deadline, task: () => Promise<T>): Promise<T> {
      const limits = [all, ...some]
      if (hasSlot(limits)) counts.add(limits, 'running', 1)
      else if (hasQueuePlace(limits)) await waitForSlot(limits, deadline)
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

/** @throws {Overloaded} where too many wait, or the task has to for longer than `waitMs` */
export async function inTurn<T> (
  turns: ConcurrencyLimit,
  limits: readonly Limit[],
  waitMs: number,
  task: () => Promise<T>
): Promise<T> {
  const deadline = new Deadline(waitMs)
  try {
    return await turns.run(limits, deadline, () => {
      deadline.met()
      return task()
    })
  } catch (error) {
    throw error === deadline.reason ? new Overloaded() : error
  } finally {
    deadline.met()
  }
}

const NO_COUNT: Readonly<Count> = Object.freeze({ running: 0, waiting: 0, admitted: 0 })

/** Counts of the limits in use; the others are forgotten. */
function createCounts () {
  const counts = new Map<string, Count>()
  const begin = (name: string): Count => {
    const count = { ...NO_COUNT }
    counts.set(name, count)
    return count
  }
  return {
    of: ({ name }: Limit): Readonly<Count> => counts.get(name) ?? NO_COUNT,
    add (limits: readonly Limit[], what: keyof Count, by: 1 | -1): void {
      for (const { name } of limits) {
        const count = counts.get(name) ?? begin(name)
        count[what] += by
        if (count.running === 0 && count.waiting === 0) counts.delete(name)
      }
    }
  }
}
