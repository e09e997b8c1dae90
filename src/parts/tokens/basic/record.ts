import type { Form } from '../../../base/cache/redis.ts'
import type { Dated } from '../../../base/cache/types.ts'
import { isPositive, isString, parseJson } from '../../../base/core/json.ts'
import { keyOfForm } from '../../../base/redis/keys.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'

/** What replicas know of a pair. A good one stays known when its token has ended. The secret is in neither. */
export type Known = Readonly<{ kind: 'good', token: string } | { kind: 'refused', why: string }>
export type StoredPair = Dated & Readonly<{ known: Known }>

/** First byte of an encoded pair, and part of its name. Raise it with every change of form. */
const VERSION = 1

export const STORED_PAIR: Form<StoredPair> = Object.freeze({
  // a lease has the name of an entry's lease
  nameOf: (prefix: string, key: string) => keyOfForm(`${prefix}{${key}}:basic`, VERSION),
  encode ({ known, ttlMs, sealedAt }: StoredPair): Buffer {
    const text = known.kind === 'good' ? known.token : known.why
    return Buffer.concat([Buffer.of(VERSION), Buffer.from(JSON.stringify([known.kind, text, ttlMs, sealedAt]))])
  },
  decode (bytes: Uint8Array): StoredPair | undefined {
    const fields = bytes[0] === VERSION ? parseJson(Buffer.from(bytes.subarray(1)).toString()) : undefined
    if (!Array.isArray(fields) || fields.length !== 4) return undefined
    const [kind, text, ttlMs, sealedAt]: unknown[] = fields
    if (!isString(text) || !isPositive(ttlMs) || !isPositive(sealedAt)) return undefined
    const dated = { ttlMs, sealedAt: sealedAt as EpochMs }
    if (kind === 'good') return { ...dated, known: { kind, token: text } }
    return kind === 'refused' ? { ...dated, known: { kind, why: text } } : undefined
  }
})
