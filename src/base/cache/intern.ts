import type { CredentialDigest } from '../core/cache-key.ts'
import type { Stamp } from '../core/entry.ts'
import { AT, type Identity, OWN_VALUES, type SharedValues, valuesOf } from '../core/resolution.ts'
import type { OwnValues } from './remembered.ts'

/** The longest text that is shared, in characters, and how many are remembered. */
const MAX_LENGTH = 256
const MAX_SHARED = 1000
const OWN: ReadonlySet<number> = new Set(OWN_VALUES)
/** Values that exist once for all entries. */
const CONSTANTS: ReadonlyMap<string, string> = new Map(['', 'true', 'false'].map((value) => [value, value]))
/** What V8 keeps as it is, where others take an object: 31 bits and a sign. */
const MAX_SMALL_INTEGER = 2 ** 31 - 1

export const isConstant = (value: string): boolean => CONSTANTS.has(value)

/** True if the text is that of a small whole number, and of nothing else. */
export function isSmallInteger (text: string): boolean {
  const number = Number(text)
  return number <= MAX_SMALL_INTEGER && /^(0|[1-9]\d*)$/.test(text)
}

export type Interner = ReturnType<typeof createInterner>

/** Common values are shared, and all texts are copies: a million sessions fit (docs/inside/performance.md). */
export function createInterner () {
  const texts = new Map<string, string>()
  const known = new Map<string, SharedValues>()
  let stamp: Stamp | undefined

  function shared (value: string): string {
    if (value.length > MAX_LENGTH) return flat(value)
    const found = texts.get(value)
    if (found !== undefined) return found
    const copy = flat(value)
    put(texts, copy, copy)
    return copy
  }
  return Object.freeze({
    sharedOf (identity: Identity): SharedValues {
      const values = valuesOf(identity).map((value, index) => OWN.has(index) ? undefined : value)
      const name = JSON.stringify(values)
      const found = known.get(name)
      if (found !== undefined) return found
      const all = Object.freeze(values.map((value) => value && (CONSTANTS.get(value) ?? shared(value))))
      if (name.length <= MAX_LENGTH) put(known, name, all)
      return all
    },
    ownOf ({ userId, identity }: Readonly<{ userId: OwnValues['userId'], identity: Identity }>): OwnValues {
      const at = identity.at(AT.authenticatedAt)
      return {
        userId: flat(userId),
        authenticatedAt: at === undefined ? at : isSmallInteger(at) ? Number(at) : flat(at)
      }
    },
    stampOf (own: Stamp): Stamp {
      if (stamp !== undefined && isSame(stamp, own)) return stamp
      const generation = stamp?.generation === own.generation ? stamp.generation : flat(own.generation)
      stamp = { generation, position: { id: flat(own.position.id), nonce: flat(own.position.nonce) } }
      return stamp
    },
    digestsOf: (digests: readonly CredentialDigest[]) => digests.map((digest) => flat(digest))
  })
}

function put<Value> (map: Map<string, Value>, name: string, value: Value): void {
  if (map.size >= MAX_SHARED) map.clear()
  map.set(name, value)
}

function isSame (one: Stamp, other: Stamp): boolean {
  return (
    one.generation === other.generation &&
    one.position.id === other.position.id &&
    one.position.nonce === other.position.nonce
  )
}

/** A copy: a substring would keep its whole source alive, at two bytes a character if the source has them. ASCII. */
export function flat<Text extends string> (text: Text): Text {
  return Buffer.from(text, 'latin1').toString('latin1') as Text
}
