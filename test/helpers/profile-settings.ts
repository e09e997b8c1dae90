import { PROFILE_FIELDS } from '../../src/shared/profile/types.ts'
import { auditEnvironment } from './audit.ts'
import type { InProcessOptions } from './in-process.ts'

/** A replica's half of an Admin API that the simulator opens with `adminApi` (audit.ts): read for profiles alone. */
export const profileSettings = (authgear: string): InProcessOptions =>
  ({ ...auditEnvironment(authgear, '10s'), IDENTITY_PROFILE: PROFILE_FIELDS.join(','), isAuditFollowed: false })
