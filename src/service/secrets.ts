import { randomBytes } from 'node:crypto'
import { createKeyer, deriveKeys, type Keyer, secretBytes, secretIdOf } from '../core/cache-key.ts'
import { createDigestForm, createRotatingKeyer, type DigestForm } from '../core/rotation.ts'
import { createEntryCodec, type EntryCodec } from '../revocation/codec.ts'
import type { ServiceSettings } from './settings.ts'
import type { SealingKeys } from './shared.ts'

/** All that CACHE_SECRET, and CACHE_SECRET_PREVIOUS while there is one, are for. */
export type Secrets = Readonly<{
  keyer: Keyer
  sealingKeys: SealingKeys
  codec: EntryCodec
  digestForm: DigestForm
}>

/** @param writesPrevious whether a replica may be left that knows CACHE_SECRET_PREVIOUS alone */
export function openSecrets (settings: ServiceSettings, writesPrevious: () => boolean): Secrets {
  const { authgear: { endpoint: { origin }, cookiePrefix }, cache, redis } = settings
  // without Redis no other process has to know the secret
  const isShared = cache.secret !== undefined || redis !== undefined
  const current = deriveKeys(isShared ? secretBytes(cache.secret) : randomBytes(32))
  const previous = cache.previousSecret === undefined ? undefined : deriveKeys(secretBytes(cache.previousSecret))
  const keyerOf = (digestKey: Uint8Array): Keyer => createKeyer(digestKey, { endpoint: origin, cookiePrefix })
  const keyer = keyerOf(current.digest)
  return Object.freeze({
    keyer: previous === undefined ? keyer : createRotatingKeyer(keyer, keyerOf(previous.digest), writesPrevious),
    sealingKeys: { current: current.sealing, previous: previous?.sealing },
    codec: createEntryCodec(current.log, previous && { logKey: previous.log, isWritten: writesPrevious }),
    digestForm: createDigestForm({
      current: secretIdOf(current.log),
      previous: previous && secretIdOf(previous.log)
    })
  })
}
