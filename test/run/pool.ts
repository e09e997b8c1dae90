import { cpus } from 'node:os'

/** So many run at once on a machine that others keep busy, too. */
const LEAST = Number(process.env['TESTS_AT_LEAST'] ?? 3)
/** Where they wait more than they work, one more begins at each look that finds a core idle. */
const MOST = 8
const LOOK_MS = 500
/** Of one core. */
const IDLE = 0.3

/**
 * Runs all of them, begun in this order, as many at once as keep the cores busy. Each gets a number below MOST that no
 * other one has while it runs.
 */
export function runPool (jobs: ReadonlyArray<(place: number) => Promise<void>>): Promise<void> {
  if (jobs.length === 0) return Promise.resolve()
  const waiting = [...jobs]
  const places = Array.from({ length: MOST }, (_, place) => place)
  let running = 0
  let before = times()
  return new Promise((resolve, reject) => {
    const fill = (most: number): void => {
      for (const job of waiting.splice(0, most - running)) {
        const place = places.shift() ?? 0
        running += 1
        job(place).then(() => ended(place), reject)
      }
    }
    const timer = setInterval(() => {
      const now = times()
      if (idleBetween(before, now) > IDLE) fill(Math.min(running + 1, MOST))
      before = now
    }, LOOK_MS)
    const ended = (place: number): void => {
      places.push(place)
      running -= 1
      fill(LEAST)
      if (running > 0) return
      clearInterval(timer)
      resolve()
    }
    fill(LEAST)
  })
}

interface Times {
  readonly idle: number
  readonly all: number
}

function times (): Times {
  const each = cpus().map(({ times }) => times)
  const idle = each.reduce((sum, one) => sum + one.idle, 0)
  return { idle, all: each.reduce((sum, one) => sum + one.user + one.nice + one.sys + one.irq, idle) }
}

/** In cores. */
const idleBetween = (before: Times, now: Times): number =>
  now.all === before.all ? 0 : ((now.idle - before.idle) / (now.all - before.all)) * cpus().length
