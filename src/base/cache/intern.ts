import type { Entry, Stamp } from '../core/entry.ts'
import { IDENTITY_HEADERS, type Identity, type Resolution } from '../core/resolution.ts'

/** Longest value that is shared, in characters, and how many shared values are remembered. */
const MAX_LENGTH = 256
const MAX_VALUES = 1000
/** Headers whose value belongs to one person: sharing it saves nothing. */
const UNIQUE_HEADERS: ReadonlySet<string> = new Set(['x-authgear-user-id', 'x-authgear-session-authenticated-at'])
/** Values that exist once for all entries. */
const CONSTANTS: ReadonlyMap<string, string> = new Map(['', 'true', 'false'].map((value) => [value, value]))

export const isConstant = (value: string): boolean => CONSTANTS.has(value)

/** @returns a copy of the entry with its common values shared: a million sessions fit (docs/inside/performance.md) */
export function createInterner (): (entry: Entry) => Entry {
  const values = new Map<string, string>()
  let stamp: Stamp | undefined

  function shared (value: string): string {
    const constant = CONSTANTS.get(value)
    if (constant !== undefined) return constant
    if (value.length > MAX_LENGTH) return flat(value)
    const known = values.get(value)
    if (known !== undefined) return known
    if (values.size >= MAX_VALUES) values.clear()
    const copy = flat(value)
    values.set(copy, copy)
    return copy
  }
  const resolutionOf = (resolution: Resolution): Resolution => {
    if (resolution.kind === 'invalid') return resolution
    const userId = flat(resolution.userId)
    const identity: Identity = Object.freeze(resolution.identity.map((value, index) => {
      if (value === undefined || value === userId) return value === undefined ? value : userId
      return UNIQUE_HEADERS.has(IDENTITY_HEADERS[index] ?? '') ? flat(value) : shared(value)
    }))
    return Object.freeze({ kind: 'valid', userId, identity })
  }
  const stampOf = (own: Stamp): Stamp => {
    if (stamp !== undefined && isSame(stamp, own)) return stamp
    const generation = stamp?.generation === own.generation ? stamp.generation : flat(own.generation)
    stamp = {
      generation,
      position: { id: flat(own.position.id) as Stamp['position']['id'], nonce: flat(own.position.nonce) }
    }
    return stamp
  }
  return ({ resolution, stamp, digests, ttlMs, sealedAt }) => ({
    resolution: resolutionOf(resolution),
    stamp: stampOf(stamp),
    digests: digests.map((digest) => flat(digest)),
    ttlMs,
    sealedAt
  })
}

function isSame (one: Stamp, other: Stamp): boolean {
  return (
    one.generation === other.generation &&
    one.position.id === other.position.id &&
    one.position.nonce === other.position.nonce
  )
}

/** A copy: a substring would keep its whole source alive, at two bytes a character if the source has them. ASCII. */
function flat<Text extends string> (text: Text): Text {
  return Buffer.from(text, 'latin1').toString('latin1') as Text
}
