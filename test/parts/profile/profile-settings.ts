import { PROFILE_FIELDS } from '../../../src/base/identity/profile.ts'
import { adminEnvironment } from '../../helpers/audit.ts'
import type { InProcessOptions } from '../../helpers/in-process.ts'

/** A replica's half of an Admin API that the simulator opens with `adminApi` (audit.ts), for profiles alone. */
export const profileSettings = (authgear: string): InProcessOptions => ({
  ...adminEnvironment(authgear),
  IDENTITY_PROFILE: PROFILE_FIELDS.join(','),
  PROFILE_TIMEOUT: '5s',
  without: ['audit-log']
})
