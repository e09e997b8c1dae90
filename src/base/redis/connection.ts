import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { RedisCommands } from './commands.ts'

type Library = typeof import('ioredis')

let library: Library | undefined

/**
 * ioredis costs 11 MB and 70 ms, which a service without Redis does not pay: it is read when the first connection is
 * made.
 */
export function redisLibrary (): Library {
  library ??= survivingHandshakes(createRequire(import.meta.url)('ioredis') as Library)
  return library
}

type Ending = { stream?: Socket, disconnect: () => void }

/** A TLS socket that is ended amid its handshake can emit two errors; ioredis hears one, the other ends the process. */
function survivingHandshakes (ioredis: Library): Library {
  const connector = ioredis.AbstractConnector.prototype as unknown as Ending
  const { disconnect } = connector
  connector.disconnect = function (this: Ending) {
    this.stream?.on('error', () => {})
    disconnect.call(this)
  }
  return ioredis
}

/** The cache's way to Redis. */
export interface RedisConnection {
  readonly commands: RedisCommands
  /** The same for what no request waits for: a server that is slow is asked all the same. */
  readonly patient: RedisCommands
  /** Connected; in a Cluster to every master. */
  isUp (): boolean
  close (): Promise<void>
}

export type RedisEvents = Readonly<{
  up: () => void
  /** Once for each loss, and for a first connection that fails; reconnection continues in the background. */
  down: (error: Error | undefined) => void
}>
