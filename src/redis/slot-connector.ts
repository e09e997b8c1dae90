import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { RedisOptions } from 'ioredis'
import { redisLibrary } from './library.ts'
import type { SlotTarget } from './redirection.ts'

/** What ioredis asks for a socket: to the node that holds one slot now. A class, since ioredis makes one of it. */
export function slotConnector (target: SlotTarget): NonNullable<RedisOptions['Connector']> {
  const { AbstractConnector } = redisLibrary()
  return class SlotConnector extends AbstractConnector {
    readonly #options: RedisOptions

    constructor (options: unknown) {
      const own = options as RedisOptions // those that were given beside this class
      super(own.disconnectTimeout ?? 0)
      this.#options = own
    }

    override async connect () {
      this.connecting = true
      const { host, port } = target.next()
      const { tls } = this.#options
      this.stream = tls === undefined ? connectTcp({ host, port }) : connectTls({ ...tls, host, port })
      this.stream.once('error', (error: Error) => { this.firstError = error })
      return this.stream
    }
  }
}
