import type { Sealer } from '../../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { type BlockList, merged, NO_BLOCKS, readBlockList, writeBlockList } from './block-list.ts'

export type BlockStoreDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet' | 'timeOf'>
  sealer: Sealer
  /** Of CACHE_SECRET_PREVIOUS, while there is one. */
  previous: Sealer | undefined
  /** Whether a replica may be left that knows no other. */
  writesPrevious: () => boolean
  name: string
}>

/** The list in Redis: one sealed value that does not end, and none as long as nobody was ever blocked. */
export type BlockStore = Readonly<{
  /**
   * Reads it, and writes what it lacks of the one that is held. Rejects where Redis does not answer.
   * @returns both together; `foreign`: what is there was sealed under another CACHE_SECRET, and stays
   */
  sync: (held: BlockList) => Promise<BlockList | 'foreign'>
  /** Redis' time. */
  now: () => Promise<number>
}>

/** Names the form too. No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'blocked clients 1'
/** Others wrote in between so often: the next time will do. */
const MAX_ATTEMPTS = 5

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
  /** @returns undefined where another replica wrote meanwhile */
  async function attempt (held: BlockList): Promise<BlockList | 'foreign' | undefined> {
    const sealed = await commands.getBuffer(name)
    const found = sealed === null ? undefined : open(sealed)
    if (sealed !== null && found === undefined) return 'foreign'
    const list = merged(found?.list ?? NO_BLOCKS, held)
    const isWritten = found === undefined ? list.size === 0 : list === found.list && found.sealer === writer()
    if (isWritten) return list
    const next = writer().seal(SEALING_NAME, writeBlockList(list))
    return await commands.compareAndSet(name, sealed ?? Buffer.alloc(0), next) ? list : undefined
  }
  return Object.freeze({
    async sync (held: BlockList) {
      for (let count = 0; count < MAX_ATTEMPTS; count++) {
        const result = await attempt(held)
        if (result !== undefined) return result
      }
      throw new Error('other replicas wrote the list of blocked clients at the same time')
    },
    now: () => commands.timeOf(name)
  })
}

type Opened = Readonly<{ list: BlockList, sealer: Sealer }>
