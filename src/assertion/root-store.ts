import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import type { Sealer } from '../crypto/sealing.ts'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import type { RedisCommands } from '../redis/commands.ts'
import { ROOT_BYTES } from './derive.ts'

/** All keys come from it. */
export type Root = Readonly<{ secret: Uint8Array, createdAt: EpochMs }>

/**
 * `root`: the one that counts, now in Redis; `other` was there or here beside it. `foreign`: what is there was sealed
 * under another CACHE_SECRET, and stays.
 */
export type SyncResult = Readonly<{ kind: 'root', root: Root, other: Root | undefined } | { kind: 'foreign' }>

export type RootStoreDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet'>
  sealer: Sealer
  /** Of CACHE_SECRET_PREVIOUS, while there is one. */
  previous: Sealer | undefined
  /** Whether a replica may be left that knows no other. */
  writesPrevious: () => boolean
  name: string
  clock: Pick<Clock, 'wall'>
}>

export type RootStore = Readonly<{
  /**
   * Reads the root, and writes this replica's where there is none or a younger one; a new one where nobody has any.
   * Rejects where Redis does not answer.
   */
  sync: (held: Root | undefined) => Promise<SyncResult>
}>

/** No cache key has this length, so no entry can take its place. */
const SEALING_NAME = 'assertion root'
/** Others wrote in between so often: the next sync will do. */
const MAX_ATTEMPTS = 3

export function createRootStore (deps: RootStoreDeps): RootStore {
  const { commands, sealer, previous, writesPrevious, name, clock } = deps
  const writer = (): Sealer => previous !== undefined && writesPrevious() ? previous : sealer
  const write = async (expected: Uint8Array, root: Root): Promise<boolean> =>
    await commands.compareAndSet(name, Buffer.from(expected), writer().seal(SEALING_NAME, encode(root)))
  function open (sealed: Buffer): Readonly<{ root: Root, sealer: Sealer }> | undefined {
    for (const one of [sealer, previous]) {
      const plain = one?.open(SEALING_NAME, sealed)
      const root = plain && decode(plain)
      if (one !== undefined && root !== undefined) return { root, sealer: one }
    }
    return undefined
  }
  /** @returns undefined where another replica wrote meanwhile */
  async function attempt (held: Root | undefined): Promise<SyncResult | undefined> {
    const sealed = await commands.getBuffer(name)
    if (sealed === null) {
      const root = held ?? { secret: randomBytes(ROOT_BYTES), createdAt: clock.wall() }
      return await write(Buffer.alloc(0), root) ? { kind: 'root', root, other: undefined } : undefined
    }
    const found = open(sealed)
    if (found === undefined) return { kind: 'foreign' }
    const isSame = held === undefined || equalSecret(held.secret, found.root.secret)
    const [root, other] = isSame || isOlder(found.root, held) ? [found.root, held] : [held, found.root]
    if (root !== found.root || found.sealer !== writer()) {
      if (!await write(sealed, root)) return undefined
    }
    return { kind: 'root', root, other: isSame ? undefined : other }
  }
  return Object.freeze({
    async sync (held: Root | undefined): Promise<SyncResult> {
      for (let count = 0; count < MAX_ATTEMPTS; count++) {
        const result = await attempt(held)
        if (result !== undefined) return result
      }
      throw new Error('other replicas wrote the root of the assertion keys at the same time')
    }
  })
}

/** All replicas choose the same of two, and a root that has signed for long before one that is new. */
function isOlder (one: Root, other: Root): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt
  return Buffer.compare(one.secret, other.secret) < 0
}

function encode ({ secret, createdAt }: Root): Buffer {
  return Buffer.from(JSON.stringify({ secret: Buffer.from(secret).toString('base64url'), createdAt }))
}

/** @returns undefined for what another version sealed */
function decode (plain: Buffer): Root | undefined {
  try {
    const { secret, createdAt } = JSON.parse(plain.toString()) as Readonly<Record<string, unknown>>
    const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64url') : undefined
    if (bytes?.length !== ROOT_BYTES || typeof createdAt !== 'number') return undefined
    return { secret: bytes, createdAt: createdAt as EpochMs }
  } catch {
    return undefined
  }
}
