import type { CacheKey } from '../../../base/core/cache-key.ts'
import type { Sealer } from '../../../base/crypto/sealing.ts'
import { decodeRecord, encodeRecord, type OwnRecord } from './record.ts'

export type Opened = OwnRecord | 'ended' | undefined

/** The place of a record under one secret: another name, another seal. */
export type Place = Readonly<{ key: CacheKey, sealer: Sealer }>

const VERSION_DIGITS = 10
export const ENDED_VERSION = '9'.repeat(VERSION_DIGITS)
export const TOMBSTONE = Buffer.from(ENDED_VERSION)

export const versionText = (version: number): string => String(version).padStart(VERSION_DIGITS, '0')
/** The key is a digest of host and cookie: a record opens for nothing else. */
const nameInSeal = ({ key }: Place): string => `session ${key}`

/** The version in clear comes before the seal. */
export function seal (place: Place, record: OwnRecord): Buffer {
  const sealed = place.sealer.seal(nameInSeal(place), encodeRecord(record))
  return Buffer.concat([Buffer.from(versionText(record.version)), sealed])
}

/** Opens a value, which is hostile until then: one that does not open is nothing. */
export function openAt (place: Place, value: Buffer): Opened {
  const version = value.subarray(0, VERSION_DIGITS).toString('latin1')
  if (version === ENDED_VERSION) return 'ended'
  const plain = place.sealer.open(nameInSeal(place), value.subarray(VERSION_DIGITS))
  const record = plain === undefined ? undefined : decodeRecord(plain)
  return record !== undefined && versionText(record.version) === version ? record : undefined
}

export function newest (
  own: OwnRecord | undefined, older: OwnRecord | undefined
): readonly [record: OwnRecord | undefined, isUnderPrevious: boolean] {
  return older !== undefined && older.version > (own?.version ?? 0) ? [older, true] : [own, false]
}
