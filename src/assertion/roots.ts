import type { EpochMs } from '../core/token-expiry.ts'
import { ROOT_BYTES } from './derive.ts'

/** What keys come from. */
export type Root = Readonly<{
  secret: Uint8Array
  createdAt: EpochMs
  /** Since when an older one was known to be there, which signs in its place; undefined for the one that counts. */
  lostAt?: EpochMs | undefined
}>

/** Replicas that are apart make one each: more never meet, or the eldest are enough. */
const MAX_ROOTS = 4

/**
 * All that any replica may have signed with: the oldest counts, so that all choose the same, and a root that has signed
 * for long before one that is new.
 * @param keepMs for how long the others are published
 */
export function mergeRoots (
  one: readonly Root[],
  other: readonly Root[],
  now: EpochMs,
  keepMs: number
): readonly Root[] {
  const all = new Map<string, Root>()
  for (const root of [...one, ...other]) {
    const name = nameOf(root)
    const lostAt = earlier(root.lostAt, all.get(name)?.lostAt)
    all.set(name, { secret: root.secret, createdAt: root.createdAt, lostAt })
  }
  const [first, ...others] = [...all.values()].sort(byAge)
  if (first === undefined) return []
  const kept = others
    .map((root) => ({ ...root, lostAt: root.lostAt ?? now }))
    .filter(({ lostAt }) => now - lostAt <= keepMs)
  return [{ ...first, lostAt: undefined }, ...kept.slice(0, MAX_ROOTS - 1)]
}

export const nameOf = ({ secret }: Root): string => Buffer.from(secret).toString('base64url')

function byAge (one: Root, other: Root): number {
  return one.createdAt - other.createdAt || Buffer.compare(one.secret, other.secret)
}

function earlier (one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one < other ? one : other
}

export function encodeRoots (roots: readonly Root[]): Buffer {
  return Buffer.from(JSON.stringify(roots.map((root) => ({ ...root, secret: nameOf(root) }))))
}

/** @returns undefined for what another version wrote */
export function decodeRoots (plain: Buffer): readonly Root[] | undefined {
  try {
    const roots: readonly (Root | undefined)[] = (JSON.parse(plain.toString()) as readonly unknown[]).map(rootOf)
    const read = roots.filter((root) => root !== undefined)
    return read.length > 0 && read.length === roots.length ? read : undefined
  } catch {
    return undefined
  }
}

function rootOf (value: unknown): Root | undefined {
  const { secret, createdAt, lostAt } = value as Readonly<Record<string, unknown>>
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64url') : undefined
  if (bytes?.length !== ROOT_BYTES || typeof createdAt !== 'number') return undefined
  if (lostAt !== undefined && typeof lostAt !== 'number') return undefined
  return { secret: bytes, createdAt: createdAt as EpochMs, lostAt: lostAt as EpochMs | undefined }
}
