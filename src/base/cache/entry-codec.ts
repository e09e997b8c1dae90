import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry } from '../core/entry.ts'
import { isPositive, isString, parseJson } from '../core/json.ts'
import { IDENTITY_HEADERS, INVALID, readIdentity, type Resolution, SILENT, valuesOf } from '../core/resolution.ts'
import type { EpochMs } from '../core/token-expiry.ts'

/**
 * First byte of an entry as Redis has it, and part of its name there from 2 on: during an update replicas of both
 * versions run side by side, and neither overwrites what the other reads. Raise it with every change of what is
 * encoded, the number of IDENTITY_HEADERS too: an entry of another form under the same name is `rejected`, and Authgear
 * is asked.
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

/** @returns undefined for anything that encodeEntry of this version did not make */
export function decodeEntry (bytes: Uint8Array): Entry | undefined {
  if (bytes[0] !== ENTRY_VERSION) return undefined
  const fields = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1).toString('utf8'))
  if (!Array.isArray(fields) || fields.length !== 7) return undefined
  const [encoded, generation, id, nonce, digests, ttlMs, sealedAt]: unknown[] = fields
  const resolution = decodeResolution(encoded)
  if (resolution === undefined || !isString(generation) || !isString(id) || !isString(nonce)) return undefined
  if (!isDigests(digests) || !isPositive(ttlMs) || !isPositive(sealedAt)) return undefined
  return { resolution, stamp: { generation, position: { id, nonce } }, digests, ttlMs, sealedAt: sealedAt as EpochMs }
}

const isDigests = (value: unknown): value is CredentialDigest[] =>
  Array.isArray(value) && value.length <= MAX_DIGESTS && value.every(isString)

/** A plain value for JSON: null = not sent; a refusal is its flag `noIdentityHeaders`. */
export function encodeResolution (resolution: Resolution): unknown {
  return resolution.kind === 'valid'
    ? valuesOf(resolution.identity).map((value) => value ?? null)
    : resolution.noIdentityHeaders
}

/** @returns undefined for anything that encodeResolution did not make: what comes from Redis is hostile until read */
export function decodeResolution (value: unknown): Resolution | undefined {
  if (typeof value === 'boolean') return value ? SILENT : INVALID
  if (!Array.isArray(value) || value.length !== IDENTITY_HEADERS.length) return undefined
  if (!value.every((item) => item === null || typeof item === 'string')) return undefined
  const reading = readIdentity(value.map((item: string | null) => item ?? undefined))
  return reading.kind === 'resolution' && reading.resolution.kind === 'valid' ? reading.resolution : undefined
}
