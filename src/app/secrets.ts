import { randomBytes } from 'node:crypto'
import { createKeyer, deriveKeys, type Keyer, secretBytes, secretIdOf } from '../base/core/cache-key.ts'
import { createDigestForm, createRotatingKeyer, type DigestForm } from '../base/core/rotation.ts'
import { createSealer, type Sealing } from '../base/crypto/sealing.ts'
import type { PurposeKeys } from '../base/parts/given.ts'
import { createEntryCodec, type EntryCodec } from '../base/revocation/codec.ts'
import type { ServiceSettings } from './settings.ts'

/** All that CACHE_SECRET, and CACHE_SECRET_PREVIOUS while there is one, are for. */
export type Secrets = Readonly<{
  keyer: Keyer
  sealing: Sealing
  codec: EntryCodec
  digestForm: DigestForm
  keysFor: (purpose: string) => PurposeKeys
  /** Names CACHE_SECRET in what was made under it, and says nothing of it. */
  secretId: string
}>

/** @param writesPrevious whether a replica may be left that knows CACHE_SECRET_PREVIOUS alone */
export function openSecrets (settings: ServiceSettings, writesPrevious: () => boolean): Secrets {
  const { cache, redis } = settings
  // without Redis no other process has to know the secret
  const isShared = cache.secret !== undefined || redis !== undefined
  const current = deriveKeys(isShared ? secretBytes(cache.secret) : randomBytes(32))
  const previous = cache.previousSecret === undefined ? undefined : deriveKeys(secretBytes(cache.previousSecret))
  const keyer = keyerOf(settings, current.digest, previous?.digest, writesPrevious)
  const [secret, previousSecret] = [secretIdOf(current.log), previous && secretIdOf(previous.log)]
  return Object.freeze({
    keyer,
    secretId: secret,
    sealing: {
      sealer: createSealer(current.sealing),
      previous: previous && createSealer(previous.sealing),
      writesPrevious
    },
    codec: createEntryCodec(current.log, previous && { logKey: previous.log, isWritten: writesPrevious }),
    keysFor: (purpose: string) => ({ current: current.of(purpose), previous: previous?.of(purpose) }),
    digestForm: createDigestForm({ current: secret, previous: previousSecret })
  })
}

function keyerOf (
  { authgear: { endpoint, cookiePrefix }, parts }: ServiceSettings,
  digestKey: Uint8Array,
  previousKey: Uint8Array | undefined,
  writesPrevious: () => boolean
): Keyer {
  const under = (key: Uint8Array): Keyer => createKeyer(key, { endpoint: endpoint.origin, cookiePrefix })
  const current = under(digestKey)
  const namesSessions = parts.some(({ claims }) => claims.namesSessions === true)
  return previousKey === undefined
    ? current
    : createRotatingKeyer(current, under(previousKey), writesPrevious, namesSessions)
}
