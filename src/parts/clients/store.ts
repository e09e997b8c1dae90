import type { Sealer } from '../../base/crypto/sealing.ts'
import type { RedisCommands } from '../../base/redis/commands.ts'
import { type BlockList, merged, NO_BLOCKS, readBlockList, writeBlockList } from './block-list.ts'

/** The part's own keys: the list, sealed; */
export const BLOCKED_KEY = 'blocked-clients'
/** and one that exists while a blocked client asked not long ago. */
export const ASKED_KEY = 'blocked-asked'

export type BlockStoreDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet' | 'timeOf'>
  sealer: Sealer
  /** The one of CACHE_SECRET_PREVIOUS, while there is one. */
  previous: Sealer | undefined
  /** True if a replica may be left that has only this one. */
  writesPrevious: () => boolean
  name: string
}>

/** All words, and the change. `failure`: why Redis lacks some of them; the change is not made. */
type Synced = Readonly<{ list: BlockList, failure?: unknown }>

/** Makes the new words of the last ones, as Redis has them; called again where others wrote in between. */
export type Change = (last: BlockList) => BlockList

/** The list in Redis: one sealed value that does not end, and none as long as nobody was ever blocked. */
export type BlockStore = Readonly<{
  /**
   * Reads it, and writes what it lacks of the one that is held, and the change. Rejects where it cannot be read.
   * @returns `foreign`: what is there was sealed under another CACHE_SECRET, and stays
   */
  sync: (held: BlockList, change?: Change) => Promise<Synced | 'foreign'>
  /** Redis' time. */
  now: () => Promise<number>
}>

/** Names the form too. No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'blocked clients 1'
const OTHERS_WROTE = new Error('other replicas wrote the list of blocked clients at the same time')
/** Others wrote in between so often: the next time will do. */
const MAX_ATTEMPTS = 5

const unchanged: Change = (last) => last

export function createBlockStore (deps: BlockStoreDeps): BlockStore {
  const { commands, sealer, previous, writesPrevious, name } = deps
  const writer = (): Sealer => previous !== undefined && writesPrevious() ? previous : sealer
  let last: Readonly<{ sealed: Buffer, found: Opened }> | undefined
  function open (sealed: Buffer): Opened | undefined {
    if (last?.sealed.equals(sealed) === true) return last.found
    for (const one of [sealer, previous]) {
      const plain = one?.open(SEALING_NAME, sealed)
      const list = plain && readBlockList(plain)
      if (one === undefined || list === undefined) continue
      last = { sealed, found: { list, sealer: one } }
      return last.found
    }
    return undefined
  }
  async function attempt (held: BlockList, change: Change): Promise<Synced | 'foreign'> {
    const sealed = await commands.getBuffer(name)
    const found = sealed === null ? undefined : open(sealed)
    if (sealed !== null && found === undefined) return 'foreign'
    const last = merged(found?.list ?? NO_BLOCKS, held)
    const list = change(last)
    const isWritten = found === undefined ? list.size === 0 : list === found.list && found.sealer === writer()
    if (isWritten) return { list }
    const next = writer().seal(SEALING_NAME, writeBlockList(list))
    try {
      const isSet = await commands.compareAndSet(name, sealed ?? Buffer.alloc(0), next)
      return isSet ? { list } : { list: last, failure: OTHERS_WROTE }
    } catch (failure) {
      return { list: last, failure } // a Redis that is full, say: what it says still counts
    }
  }
  return Object.freeze({
    async sync (held: BlockList, change: Change = unchanged) {
      for (let count = 1; ; count++) {
        const result = await attempt(held, change)
        if (result === 'foreign' || result.failure !== OTHERS_WROTE || count >= MAX_ATTEMPTS) return result
      }
    },
    now: () => commands.timeOf(name)
  })
}

type Opened = Readonly<{ list: BlockList, sealer: Sealer }>
