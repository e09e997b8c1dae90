import type { Clock } from '../../base/clock.ts'
import { isString, parseJson } from '../../base/core/json.ts'
import type { Sealer } from '../../base/crypto/sealing.ts'
import type { RedisCommands } from '../../base/redis/commands.ts'
import type { KeyRing } from './key-ring.ts'
import { extended, type KeySet, merged, type Schedule, type StoredKey } from './key-set.ts'

export type KeyStoreDeps = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet'>
  sealer: Sealer
  /** The sealer of CACHE_SECRET_PREVIOUS, while there is one. */
  previous: Sealer | undefined
  /** True while a replica may be left that has only this one. */
  writesPrevious: () => boolean
  canSign: KeyRing['canSign']
  name: string
  clock: Pick<Clock, 'wall'>
  schedule: Schedule
}>

/**
 * Reads the keys, and writes those that are missing: what this replica has and Redis lost, and the periods to come.
 * Rejects where Redis does not answer.
 * @returns `foreign`: what is there was sealed under another CACHE_SECRET, or in another form, and stays
 */
export type KeyStore = (held: KeySet | undefined) => Promise<KeySet | 'foreign'>

/**
 * Names the form too: what opens under it is a KeySet. No cache key has this length, so no entry can take its place.
 */
const SEALING_NAME = 'assertion keys 1'
/** Others wrote in between so often: the next time will do. */
const MAX_ATTEMPTS = 3

export function createKeyStore (deps: KeyStoreDeps): KeyStore {
  const { commands, sealer, previous, writesPrevious, name, clock, schedule } = deps
  const writer = (): Sealer => previous !== undefined && writesPrevious() ? previous : sealer
  /** @returns undefined where another replica wrote meanwhile */
  async function attempt (held: KeySet | undefined): Promise<KeySet | 'foreign' | undefined> {
    const sealed = await commands.getBuffer(name)
    const found = sealed === null ? undefined : open(sealed, deps)
    if (sealed !== null && found === undefined) return 'foreign'
    const now = clock.wall()
    const known = found && held ? merged(found.set, held, schedule, now) : found?.set ?? held
    const set = extended(known, schedule, now)
    if (set === found?.set && found.sealer === writer()) return set
    const next = writer().seal(SEALING_NAME, Buffer.from(JSON.stringify(set)))
    return await commands.compareAndSet(name, sealed ?? Buffer.alloc(0), next) ? set : undefined
  }
  return async (held) => {
    for (let count = 0; count < MAX_ATTEMPTS; count++) {
      const result = await attempt(held)
      if (result !== undefined) return result
    }
    throw new Error('other replicas wrote the keys of assertions at the same time')
  }
}

function open (
  sealed: Buffer,
  { sealer, previous, canSign }: KeyStoreDeps
): Readonly<{ set: KeySet, sealer: Sealer }> | undefined {
  for (const one of [sealer, previous]) {
    const plain = one?.open(SEALING_NAME, sealed)
    const set = plain === undefined ? undefined : readKeySet(plain.toString())
    if (one !== undefined && set?.keys.every(canSign) === true) return { set, sealer: one }
  }
  return undefined
}

/** With CACHE_SECRET=none anybody who writes to Redis writes here. @returns undefined for what no replica wrote */
function readKeySet (text: string): KeySet | undefined {
  const set = parseJson(text) as Partial<KeySet> | null | undefined
  const isOne = typeof set?.since === 'number' && isString(set.sid) && Array.isArray(set.keys)
  return isOne && set.keys?.every(isKey) === true ? set as KeySet : undefined
}

function isKey (key: Partial<StoredKey> | null): boolean {
  return isString(key?.pkcs8) && typeof key.from === 'number' &&
    (key.until === undefined || typeof key.until === 'number')
}

/** Lost keys are back within it, and a new set has been seen by every replica. */
const SYNC_INTERVAL_MS = 1000
/** Until there is a key. */
const FIRST_INTERVAL_MS = 100
/**
 * How old a new set must be before it signs: after Redis was emptied, a replica that has an older one
 * reconnects and writes it back within that time.
 */
const SETTLE_MS = 3000
const YOUNG_MS = 60_000

export type KeySyncDeps = Readonly<{
  store: KeyStore
  ring: Pick<KeyRing, 'use'>
  clock: Pick<Clock, 'wall'>
  /** The first set, or keys of another one beside it. */
  found: (isFirst: boolean) => void
  /** Once, until it is gone. */
  foreign: () => void
  failed: (error: unknown) => void
  settleMs?: number | undefined
}>

export type KeySync = Readonly<{ isForeign: () => boolean, close: () => void }>

/** Keeps this replica's keys and Redis' the same, for as long as the process lives. */
export function startKeySync (deps: KeySyncDeps): KeySync {
  const { store, ring, clock, found, foreign, failed, settleMs = SETTLE_MS } = deps
  let held: KeySet | undefined
  let isForeign = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  function take (set: KeySet | 'foreign'): void {
    if (set === 'foreign' && !isForeign) foreign()
    isForeign = set === 'foreign'
    if (set === 'foreign') return
    if (set.sid !== held?.sid || othersIn(set) > othersIn(held)) found(held === undefined)
    held = set
    ring.use(set, set.since > clock.wall() - YOUNG_MS ? settleMs : 0)
  }
  function poll (): void {
    store(held).then(take).catch(failed).finally(() => {
      if (!isClosed) timer = setTimeout(poll, held === undefined ? FIRST_INTERVAL_MS : SYNC_INTERVAL_MS)
    })
  }
  poll()
  return Object.freeze({
    isForeign: () => isForeign,
    close () {
      isClosed = true
      clearTimeout(timer)
    }
  })
}

const othersIn = ({ keys }: KeySet): number => keys.filter(({ until }) => until !== undefined).length
