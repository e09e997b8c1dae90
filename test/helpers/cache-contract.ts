import type { Test } from 'tap'
import type { Cache, CacheRead } from '../../src/base/cache/types.ts'
import type { CacheKey } from '../../src/base/core/cache-key.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import { valuesOf } from '../../src/base/core/resolution.ts'
import { entryOf } from './entry.ts'
import { INVALID, SILENT, USER_ID, validResolution } from './identity.ts'
import { keyOf } from './redis-tier.ts'

export interface CacheSubject {
  readonly cache: Cache<CacheKey>
  /** Lets the time pass in which an entry of that life ends. */
  readonly pass: (lifeMs: number) => Promise<void>
}

const [A, B] = [keyOf('a'), keyOf('b')]
const MISS: CacheRead = { kind: 'miss' }

/** What every tier keeps to. */
export function cacheContract (t: Test, open: (t: Test) => Promise<CacheSubject>): void {
  t.test('what was stored is read, whole', async t => {
    const { cache } = await open(t)
    const rows = {
      somebody: {},
      'without roles': { resolution: validResolution({ 'user-roles': undefined }) },
      nobody: { resolution: INVALID },
      silent: { resolution: SILENT }
    }
    for (const [what, some] of Object.entries(rows)) {
      t.strictSame(await cache.write(A, entryOf(some), 20_000), { kind: 'stored' }, `${what}: stored`)
      const read = await cache.read(A)
      t.strictSame(read.kind === 'hit' && fieldsOf(read.entry), entryOf(some), `${what}: read`)
    }
  })

  t.test('what was never stored is a miss', async t => {
    const { cache } = await open(t)
    t.strictSame(await cache.read(A), MISS)
  })

  t.test('keys do not mix', async t => {
    const { cache } = await open(t)
    const other = entryOf({ resolution: validResolution({ 'user-id': 'somebody-else' }) })
    await cache.write(A, entryOf(), 20_000)
    t.strictSame(await cache.read(B), MISS)
    await cache.write(B, other, 20_000)
    t.equal(userIn(await cache.read(A)), USER_ID)
    t.equal(userIn(await cache.read(B)), 'somebody-else')
  })

  t.test('the later of two stays, with its own life', async t => {
    const { cache } = await open(t)
    await cache.write(A, entryOf({ ttlMs: 600_000 }), 600_000)
    await cache.write(A, entryOf({ resolution: INVALID, ttlMs: 20_000 }), 20_000)
    const read = await cache.read(A)
    t.ok(read.kind === 'hit' && read.entry.resolution.kind === 'invalid')
    t.ok(read.kind === 'hit' && read.remainingMs <= 20_000 && read.remainingMs > 0)
  })

  t.test('what is left of a life is never more than it, nor than the full TTL', async t => {
    const { cache } = await open(t)
    for (const [ttlMs, lifeMs] of [[30_000, 30_000], [30_000, 10_000], [1, 1]] as const) {
      await cache.write(A, entryOf({ ttlMs }), lifeMs)
      const read = await cache.read(A)
      t.ok(read.kind === 'miss' ? lifeMs === 1 : read.kind === 'hit' && read.remainingMs <= lifeMs,
        `${lifeMs} of ${ttlMs} ms`)
    }
  })

  t.test('its life ends', async t => {
    const { cache, pass } = await open(t)
    await cache.write(A, entryOf(), 60)
    await cache.write(B, entryOf(), 20_000)
    await pass(60)
    t.strictSame(await cache.read(A), MISS)
    t.equal((await cache.read(B)).kind, 'hit', 'the other lives on')
    await cache.write(A, entryOf(), 20_000)
    t.equal((await cache.read(A)).kind, 'hit', 'and it may come again')
  })

  t.test('a life of nothing stores nothing', async t => {
    const { cache } = await open(t)
    for (const lifeMs of [0, -1, -Infinity]) {
      t.not((await cache.write(A, entryOf(), lifeMs)).kind, 'unreachable', `${lifeMs}: no error`)
      t.strictSame(await cache.read(A), MISS, `${lifeMs}: nothing there`)
    }
  })
}

function userIn (read: CacheRead): string | undefined {
  return read.kind === 'hit' && read.entry.resolution.kind === 'valid' ? read.entry.resolution.userId : undefined
}

/** As plain objects: a tier may keep more beside them, and in another form. */
export function fieldsOf ({ resolution, stamp, digests, ttlMs, sealedAt }: Entry): Entry {
  const plain = resolution.kind === 'invalid'
    ? resolution
    : { kind: resolution.kind, userId: resolution.userId, identity: valuesOf(resolution.identity) }
  return { resolution: plain, stamp, digests, ttlMs, sealedAt }
}
