import type { Keyer } from '../../core/cache-key.ts'
import type { Credentials } from '../../core/credentials.ts'
import type { UserId } from '../../core/resolution.ts'
import type { Admitted } from '../identity/presenter.ts'

/** Whose session an answer of the login is about: the access record joins it with the session's other lines. */
export function whoOf (keyer: Pick<Keyer, 'memoryKey'>, credentials: Credentials, userId: string): Admitted {
  const key = keyer.memoryKey(credentials)
  return { key, credentials, userId: userId as UserId, identity: [], digests: [], grant: undefined }
}
