import type { RedisCommands } from './commands.ts'

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
