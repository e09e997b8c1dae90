import type { CredentialDigest } from './cache-key.ts'
import { isPositive, isString, parseJson } from './json.ts'
import type { EpochMs } from './token-expiry.ts'
import { decodeResolution, encodeResolution, type Resolution } from './resolution.ts'

/** A place in the revocation log; compared only within one generation (docs/revocation-protocol.md, "Positions"). */
export type Position = Readonly<{ id: string, nonce: string }>
/** What a replica had read of the revocation log **before** it asked Authgear. */
export type Stamp = Readonly<{ generation: string, position: Position }>

/** One cached resolution, with all that says whether it may still be used. */
export type Entry = Readonly<{
  resolution: Resolution
  stamp: Stamp
  /** Of every credential sent and every session id in one: revoking any of them voids the entry. */
  digests: readonly CredentialDigest[]
  /** Full life in milliseconds when it was sealed; what is left is never longer. */
  ttlMs: number
  sealedAt: EpochMs
}>

/**
 * First byte of an encoded entry, and part of its name in Redis from 2 on: during an update replicas of both versions
 * run side by side, and neither overwrites what the other reads. Raise it with every change of what is encoded, the
 * number of IDENTITY_HEADERS too: an entry of another form under the same name is `rejected`, and Authgear is asked.
 */
export const ENTRY_VERSION = 1
const MAX_DIGESTS = 6

export function encodeEntry ({ resolution, stamp, digests, ttlMs, sealedAt }: Entry): Buffer {
  const { generation, position } = stamp
  const json = JSON.stringify([
    encodeResolution(resolution),
    generation,
    position.id,
    position.nonce,
    digests,
    ttlMs,
    sealedAt
  ])
  return Buffer.concat([Buffer.of(ENTRY_VERSION), Buffer.from(json, 'utf8')])
}

/**
 * @param maxDigests more in this process' own entries: names under both secrets while CACHE_SECRET is rotated
 * @returns undefined for anything that encodeEntry of this version did not make
 */
export function decodeEntry (bytes: Uint8Array, maxDigests = MAX_DIGESTS): Entry | undefined {
  if (bytes[0] !== ENTRY_VERSION) return undefined
  const fields = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1).toString('utf8'))
  if (!Array.isArray(fields) || fields.length !== 7) return undefined
  const [encoded, generation, id, nonce, digests, ttlMs, sealedAt]: unknown[] = fields
  const resolution = decodeResolution(encoded)
  if (resolution === undefined || !isString(generation) || !isString(id) || !isString(nonce)) return undefined
  if (!isDigests(digests, maxDigests) || !isPositive(ttlMs) || !isPositive(sealedAt)) return undefined
  return { resolution, stamp: { generation, position: { id, nonce } }, digests, ttlMs, sealedAt: sealedAt as EpochMs }
}

const isDigests = (value: unknown, most: number): value is CredentialDigest[] =>
  Array.isArray(value) && value.length <= most && value.every(isString)
