import type { Redis } from 'ioredis'
import { systemClock, type Clock } from '../clock.ts'

const MIN_DELAY_MS = 100
const MAX_DELAY_MS = 1000
/** After a connection has held this long, the next reconnect starts with the shortest delay. */
const CALM_MS = 10_000

/**
 * Milliseconds before the attempt of that number, from 1: 50–100, 100–200, … 500–1,000. At most 120 attempts a minute,
 * 80 on average.
 * @param random from 0 to 1: replicas do not come back all at once
 */
export function reconnectDelay (attempt: number, random: number): number {
  return Math.min(MIN_DELAY_MS * 2 ** Math.min(attempt - 1, 10), MAX_DELAY_MS) * (0.5 + random / 2)
}

/**
 * One connection's delays. By the time since the last loss, not by whether it was ready in between: a server that
 * accepts and throws out, a replica that refuses writes and a Cluster that sends around in circles are not stormed
 * either.
 */
export function createReconnection (
  clock: Pick<Clock, 'monotonic'> = systemClock,
  random: () => number = Math.random
): () => number {
  let attempt = 0
  let last = -Infinity
  return () => {
    const now = clock.monotonic()
    attempt = now - last > CALM_MS ? 1 : attempt + 1
    last = now
    return reconnectDelay(attempt, random())
  }
}

/**
 * Opens a connection again that ioredis closed permanently: one that was dropped while it connected. Its failover
 * detector does so if the Sentinels named another master between two attempts. @returns closes it in any state
 */
export function keepConnected (redis: Redis): () => void {
  const delay = createReconnection()
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  redis.on('end', () => {
    if (!isClosed) timer = setTimeout(() => { redis.connect().catch(() => {}) }, delay())
  })
  return () => {
    isClosed = true
    clearTimeout(timer)
    redis.disconnect()
  }
}
