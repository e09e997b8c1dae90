import type { Clock } from '../../clock.ts'
import {
  type AdminApi, type AdminApiAccount, type AdminApiLimits, type AdminApiSettings, openAdminApi
} from './client.ts'
import { createTokens } from './token.ts'

/** @returns what opens the Admin API by that account, as often as it is asked for */
export function adminApiOf (
  { url, key, appId }: AdminApiAccount,
  { endpoint, ca }: Pick<AdminApiSettings, 'endpoint' | 'ca'>,
  clock: Pick<Clock, 'wall'>
): (limits: AdminApiLimits) => AdminApi {
  return (limits) => openAdminApi({ url, endpoint, ca, token: createTokens(key, appId, clock) }, limits)
}
