import type { ProfileSettings } from '../../src/profile/settings.ts'
import { PROFILE_FIELDS } from '../../src/profile/types.ts'
import { APP_ID, KEY_ID, PRIVATE_KEY } from './audit.ts'

/** A replica's half of an Admin API that the simulator opens with `adminApi` (audit.ts). */
export function profileSettings (authgear: string, some: Partial<ProfileSettings> = {}): ProfileSettings {
  return {
    fields: PROFILE_FIELDS,
    sendsUnverifiedEmail: false,
    api: { url: `${authgear}/graphql`, key: { pem: PRIVATE_KEY, keyId: KEY_ID }, appId: APP_ID },
    ttlMs: 300_000,
    timeoutMs: 30_000, // so that a slow machine changes nothing
    ...some
  }
}
