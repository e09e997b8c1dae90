import { EventEmitter, once } from 'node:events'
import type { Clock } from '../clock.ts'

/** One process of a replica; `exited` resolves once, with its exit code or its signal's name. */
export type Child = Readonly<{ exited: Promise<number | string> }>

export type SupervisorDeps<C extends Child> = Readonly<{
  count: number
  /** @param place from 1; a successor takes its predecessor's */
  fork: (place: number) => C
  clock: Pick<Clock, 'monotonic'>
  /** Calls once, after that time, until the function that it returns is called. */
  later: (ms: number, act: () => void) => () => void
  /** @param waitMs until another one is begun; undefined where none is, since the replica ends */
  ended: (child: C, how: number | string, waitMs: number | undefined) => void
  /** The system would not start one: where memory is short, those that live matter most. */
  unforked: (place: number, error: unknown, waitMs: number) => void
}>

export type Supervisor<C> = Readonly<{
  children: () => readonly C[]
  /** Replaces no child any more. @returns when all have ended */
  ended: () => Promise<void>
}>

/** A child that lived for less is a failed start. */
const LIVED_MS = 10_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

/** Keeps so many children alive: one that dies is replaced at once, one that dies at its start ever later. */
export function supervise<C extends Child> (
  { count, fork, clock, later, ended, unforked }: SupervisorDeps<C>
): Supervisor<C> {
  const children = new Map<number, C>()
  const cancels = new Map<number, () => void>()
  let isEnding = false
  const allEnded = new EventEmitter()

  const beginLater = (place: number, failures: number): number => {
    const waitMs = waitAfter(failures)
    cancels.set(place, later(waitMs, () => begin(place, failures)))
    return waitMs
  }
  const begin = (place: number, failures: number): void => {
    cancels.delete(place)
    let child: C
    try {
      child = fork(place)
    } catch (error) {
      unforked(place, error, beginLater(place, failures + 1))
      return
    }
    const began = clock.monotonic()
    children.set(place, child)
    child.exited.then((how) => {
      children.delete(place)
      const failed = clock.monotonic() - began < LIVED_MS ? failures + 1 : 0
      ended(child, how, isEnding ? undefined : beginLater(place, failed))
      if (children.size === 0) allEnded.emit('end')
    }, () => {})
  }

  for (let place = 1; place <= count; place++) begin(place, 0)
  return Object.freeze({
    children: () => [...children.values()],
    async ended () {
      isEnding = true
      for (const cancel of cancels.values()) cancel()
      if (children.size > 0) await once(allEnded, 'end')
    }
  })
}

/** Milliseconds until the next start, after so many failed ones. */
function waitAfter (failures: number): number {
  return failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))
}
