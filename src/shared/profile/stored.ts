import type { Dated } from '../cache/types.ts'
import type { Form } from '../cache/redis.ts'
import type { Stamp } from '../../core/entry.ts'
import { isPositive, isString, parseJson } from '../../core/json.ts'
import type { EpochMs } from '../../core/token-expiry.ts'
import { profileKey } from '../redis/keys.ts'
import { PROFILE_FIELDS, type Profile } from './types.ts'

/** A profile as replicas share it. `stamp`: what was read of the revocation log before Authgear was asked. */
export type StoredProfile = Dated & Readonly<{ profile: Profile, stamp: Stamp }>

/** First byte of what is encoded. Raise it with every change of form. */
const VERSION = 1
const TEXTS = PROFILE_FIELDS.filter((field) => field !== 'groups')

export const STORED_PROFILE: Form<StoredProfile> = Object.freeze({
  nameOf: profileKey,
  encode ({ profile, stamp: { log, at }, ttlMs, sealedAt }: StoredProfile): Buffer {
    const json = JSON.stringify([profile, log, at, ttlMs, sealedAt])
    return Buffer.concat([Buffer.of(VERSION), Buffer.from(json)])
  },
  decode (bytes: Uint8Array): StoredProfile | undefined {
    const fields = bytes[0] === VERSION ? parseJson(Buffer.from(bytes.subarray(1)).toString()) : undefined
    if (!Array.isArray(fields) || fields.length !== 5) return undefined
    const [given, log, at, ttlMs, sealedAt]: unknown[] = fields
    const profile = readProfile(given)
    if (profile === undefined || !isString(log) || !isString(at)) return undefined
    if (!isPositive(ttlMs) || !isPositive(sealedAt)) return undefined
    return { profile, stamp: { log, at }, ttlMs, sealedAt: sealedAt as EpochMs }
  }
})

/** What comes from Redis is hostile until it is read: only what `profileOf` could have made. */
function readProfile (value: unknown): Profile | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = value as Readonly<Record<string, unknown>>
  const { groups } = given
  if (Object.keys(given).some((name) => !PROFILE_FIELDS.some((field) => field === name))) return undefined
  if (TEXTS.some((field) => given[field] !== undefined && !isString(given[field]))) return undefined
  if (groups === undefined) return Object.freeze({ ...given })
  if (!Array.isArray(groups) || !groups.every(isString)) return undefined
  return Object.freeze({ ...given, groups: Object.freeze(groups) })
}
