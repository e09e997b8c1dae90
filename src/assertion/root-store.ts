import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Sealer } from '../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { ROOT_BYTES } from './derive.ts'
import { decodeRoots, encodeRoots, mergeRoots, type Root } from './roots.ts'

/**
 * `roots`: what Redis and this replica know, now in Redis; the first counts. `foreign`: what is there was sealed under
 * another CACHE_SECRET, and stays.
 */
export type SyncResult = Readonly<{ kind: 'roots', roots: readonly Root[] } | { kind: 'foreign' }>

export type RootStoreDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet'>
  sealer: Sealer
  /** Of CACHE_SECRET_PREVIOUS, while there is one. */
  previous: Sealer | undefined
  /** Whether a replica may be left that knows no other. */
  writesPrevious: () => boolean
  name: string
  clock: Pick<Clock, 'wall'>
  /** For how long a root that does not count is published. */
  keepMs: number
}>

export type RootStore = Readonly<{
  /**
   * Reads the roots, and writes those of this replica that are missing; a new one where nobody has any.
   * Rejects where Redis does not answer.
   */
  sync: (held: readonly Root[]) => Promise<SyncResult>
}>

/** No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'assertion root'
/** Others wrote in between so often: the next sync will do. */
const MAX_ATTEMPTS = 3

export function createRootStore (deps: RootStoreDeps): RootStore {
  const { commands, sealer, previous, writesPrevious, name, clock, keepMs } = deps
  const writer = (): Sealer => previous !== undefined && writesPrevious() ? previous : sealer
  const write = async (expected: Buffer, plain: Buffer): Promise<boolean> =>
    await commands.compareAndSet(name, expected, writer().seal(SEALING_NAME, plain))
  function open (sealed: Buffer): Readonly<{ roots: readonly Root[], sealer: Sealer }> | undefined {
    for (const one of [sealer, previous]) {
      const plain = one?.open(SEALING_NAME, sealed)
      const roots = plain && decodeRoots(plain)
      if (one !== undefined && roots !== undefined) return { roots, sealer: one }
    }
    return undefined
  }
  /** @returns undefined where another replica wrote meanwhile */
  async function attempt (held: readonly Root[]): Promise<SyncResult | undefined> {
    const sealed = await commands.getBuffer(name)
    const found = sealed === null ? { roots: [], sealer: undefined } : open(sealed)
    if (found === undefined) return { kind: 'foreign' }
    const known = mergeRoots(found.roots, held, clock.wall(), keepMs)
    const roots = known.length > 0 ? known : [{ secret: randomBytes(ROOT_BYTES), createdAt: clock.wall() }]
    const plain = encodeRoots(roots)
    const isThere = found.sealer === writer() && plain.equals(encodeRoots(found.roots))
    if (!isThere && !await write(sealed ?? Buffer.alloc(0), plain)) return undefined
    return { kind: 'roots', roots }
  }
  return Object.freeze({
    async sync (held: readonly Root[]): Promise<SyncResult> {
      for (let count = 0; count < MAX_ATTEMPTS; count++) {
        const result = await attempt(held)
        if (result !== undefined) return result
      }
      throw new Error('other replicas wrote the root of the assertion keys at the same time')
    }
  })
}
