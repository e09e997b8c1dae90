import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { RedisOptions } from 'ioredis'
import { redisLibrary } from './connection.ts'
import type { RedisAddress } from './options.ts'

/** A slot's node, as a Cluster redirects to it: permanently (MOVED), or for this command while it moves (ASK). */
export type Redirection = Readonly<{ kind: 'moved' | 'ask', host: string | undefined, port: number }>

/**
 * Reads `MOVED 3999 127.0.0.1:6381` and `ASK …`; a host that is empty or `?` is the one that was asked (Redis, CLUSTER
 * SLOTS).
 */
export function readRedirection (message: string): Redirection | undefined {
  const [, kind, host = '', port] = /^(MOVED|ASK) \d+ (.*):(\d{1,5})$/.exec(message) ?? []
  if (kind === undefined || port === undefined) return undefined
  return {
    kind: kind === 'ASK' ? 'ask' : 'moved',
    host: host === '' || host === '?' ? undefined : host,
    port: Number(port)
  }
}

type Target = RedisAddress & Readonly<{ isAsking: boolean }>

export type SlotTarget = ReturnType<typeof createSlotTarget>

/** Nodes learned from redirections, beside those of the configuration. */
const MAX_HEARD_OF = 32

/** Finds the node of one slot as any client does: by asking any node, and going where it says. Opens nothing. */
export function createSlotTarget (nodes: readonly RedisAddress[]) {
  let known: readonly RedisAddress[] = nodes
  let turn = 0
  let pointed: Target | undefined
  let current: Target | undefined
  return Object.freeze({
    /** The node to connect to: of the last redirection, else the next known one. */
    next (): Target {
      current = pointed ?? { host: 'localhost', port: 6379, ...known[turn++ % known.length], isAsking: false }
      pointed = undefined // if it cannot be reached, another one is asked
      return current
    },
    current: (): Target | undefined => current,
    /** @returns whether the error is a redirection: another connection is needed */
    follow (message: string): boolean {
      const redirection = readRedirection(message)
      if (redirection === undefined) return false
      const { port, host = current?.host ?? 'localhost' } = redirection
      pointed = { host, port, isAsking: redirection.kind === 'ask' }
      const isNew = !known.some((node) => node.host === host && node.port === port)
      if (isNew) known = [...nodes, ...known.slice(nodes.length).slice(1 - MAX_HEARD_OF), { host, port }]
      return true
    }
  })
}

/**
 * The connector that ioredis asks for a socket: to the node that holds one slot now. A class, since ioredis makes one
 * of it.
 */
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
