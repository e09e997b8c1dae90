import { createRequire } from 'node:module'
import type { RedisCommands } from './commands.ts'

type Library = typeof import('ioredis')

/**
 * ioredis costs 11 MB and 70 ms, which a service without Redis does not pay: it is read when the first connection is
 * made.
 */
export function redisLibrary (): Library {
  return createRequire(import.meta.url)('ioredis') as Library
}

/** The cache's way to Redis. */
export interface RedisConnection {
  readonly commands: RedisCommands
  /** Connected; in a Cluster to every master. */
  isUp (): boolean
  close (): Promise<void>
}

export type RedisEvents = Readonly<{
  up: () => void
  /** Once for each loss, and for a first connection that fails; reconnection goes on by itself. */
  down: (error: Error | undefined) => void
}>

/** Tells changes only. */
export function createReporter (events: RedisEvents): (isUp: boolean, error?: Error) => void {
  let reported: boolean | undefined
  return (isUp, error) => {
    if (reported === isUp) return
    reported = isUp
    if (isUp) events.up()
    else events.down(error)
  }
}
