import type { AdminKey } from '../../authgear/admin-api/token.ts'
import type { ProfileRules } from './read.ts'

export type ProfileSettings = ProfileRules & Readonly<{
  /** The Admin API, with the key of the project. */
  api: Readonly<{ url: string, key: AdminKey, appId: string }>
  /** PROFILE_TTL */
  ttlMs: number
  /** PROFILE_TIMEOUT */
  timeoutMs: number
}>
