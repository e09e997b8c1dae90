import { Overloaded } from '../../errors.ts'
import type { Deadline } from './deadline.ts'

/** A bound that some resolutions share, beside the one that all share. */
export type Lane = Readonly<{ name: string, maxRunning: number, maxWaiting: number }>

export type Admission = Readonly<{
  /** @throws {Overloaded} at once where too many wait already @throws the deadline's reason where the turn did not come in time */
  run: <T>(lanes: readonly Lane[], deadline: Deadline, task: () => Promise<T>) => Promise<T>
  /** Whoever waits is turned away. */
  dismiss: (error: Error) => void
  state: () => Readonly<{ running: number, waiting: number }>
}>

type Waiter = Readonly<{ lanes: readonly Lane[], enter: () => void, leave: (error: Error) => void }>
type Count = { running: number, waiting: number }

/**
 * Who may ask Authgear now, who waits, and who is turned away at once. The newest goes first: under overload the oldest
 * is about to be given up by whoever asked, and after everything was voided those who ask now are those who are there.
 */
export function createAdmission (maxRunning: number, maxWaiting: number): Admission {
  const counts = createCounts()
  const all: Lane = { name: '', maxRunning, maxWaiting }
  const waiters: Waiter[] = []

  const hasSlot = (lanes: readonly Lane[]): boolean => lanes.every((lane) => counts.of(lane).running < lane.maxRunning)
  const hasPlace = (lanes: readonly Lane[]): boolean => lanes.every((lane) => counts.of(lane).waiting < lane.maxWaiting)

  function remove (waiter: Waiter): void {
    waiters.splice(waiters.indexOf(waiter), 1)
    counts.add(waiter.lanes, 'waiting', -1)
  }

  function turnOf (lanes: readonly Lane[], deadline: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (how: () => void): void => { deadline.off('abort', onAbort); remove(waiter); how() }
      const waiter: Waiter = { lanes, enter: () => end(resolve), leave: (error) => end(() => reject(error)) }
      const onAbort = (): void => waiter.leave(deadline.reason ?? new Overloaded())
      deadline.once('abort', onAbort)
      counts.add(lanes, 'waiting', 1)
      waiters.push(waiter)
    })
  }

  function release (lanes: readonly Lane[]): void {
    counts.add(lanes, 'running', -1)
    // several, where each waited for another lane of these
    for (let next = nextWaiter(); next !== undefined; next = nextWaiter()) {
      counts.add(next.lanes, 'running', 1) // before anybody else looks
      next.enter()
    }
  }

  const nextWaiter = (): Waiter | undefined => waiters.findLast((waiter) => hasSlot(waiter.lanes))

  return Object.freeze({
    async run<T> (some: readonly Lane[], deadline: Deadline, task: () => Promise<T>): Promise<T> {
      const lanes = [all, ...some]
      if (hasSlot(lanes)) counts.add(lanes, 'running', 1)
      else if (hasPlace(lanes)) await turnOf(lanes, deadline)
      else throw new Overloaded()
      try {
        return await task()
      } finally {
        release(lanes)
      }
    },
    dismiss: (error: Error) => { for (const waiter of [...waiters]) waiter.leave(error) },
    state: () => ({ ...counts.of(all) })
  })
}

const NOBODY: Readonly<Count> = Object.freeze({ running: 0, waiting: 0 })

/** Of lanes that are in use; the others are forgotten. */
function createCounts () {
  const counts = new Map<string, Count>()
  return {
    of: ({ name }: Lane): Readonly<Count> => counts.get(name) ?? NOBODY,
    add (lanes: readonly Lane[], what: keyof Count, by: 1 | -1): void {
      for (const { name } of lanes) {
        const count = counts.get(name) ?? { ...NOBODY }
        count[what] += by
        if (count.running === 0 && count.waiting === 0) counts.delete(name)
        else counts.set(name, count)
      }
    }
  }
}
