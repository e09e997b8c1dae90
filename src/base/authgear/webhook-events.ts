import { isUserId } from '../core/resolution.ts'
import type { Revocation } from '../revocation/types.ts'
import { type Json, objectOf, parseObject } from '../core/json.ts'

/** The meaning of one webhook of Authgear's. */
export type WebhookReading =
  | Readonly<{ kind: 'revokes', id: string | undefined, revocations: readonly Revocation[] }>
  /** An event without consequence for what is remembered, or of an unknown type: accepted. */
  | Readonly<{ kind: 'ignored' }>
  | Readonly<{ kind: 'other_app' }>
  | Readonly<{ kind: 'unreadable' }>

/** Authgear sends the webhook before it purges its user info (docs/inside/authgear.md, "Webhooks"). */
const QUIET_MS = 2000
/** A sign-in that adds a session makes nothing of Authgear's stale. */
const WITHOUT_QUIET = new Set(['user.authenticated'])
/** Events that change who a user is or what they may do (docs/inside/authgear.md, "Webhooks"). */
export const REVOKING: ReadonlySet<string> = new Set([
  'user.disabled', 'user.reenabled', 'user.deletion_scheduled', 'user.deletion_unscheduled', 'user.deleted',
  'user.anonymization_scheduled', 'user.anonymization_unscheduled', 'user.anonymized', 'user.anonymous.promoted',
  'user.reauthenticated', 'user.profile.updated', 'user.authenticated'
])

/** Events after which nothing that a user was given holds: a disabled one is signed out everywhere. */
const ENDING = new Set([
  'user.disabled', 'user.deletion_scheduled', 'user.deleted', 'user.anonymization_scheduled', 'user.anonymized'
])

/** @param appId AUTHGEAR_APP_ID, where it is set: a body of another project's says nothing about ours */
export function readWebhook (body: string, appId: string | undefined): WebhookReading {
  const event = parseObject(body)
  const type = event?.['type']
  if (event === undefined || typeof type !== 'string') return { kind: 'unreadable' }
  if (appId !== undefined && objectOf(event['context'])?.['app_id'] !== appId) return { kind: 'other_app' }
  if (!REVOKING.has(type) && !type.startsWith('identity.')) return { kind: 'ignored' }
  const userIds = userIdsOf(event)
  if (userIds.length === 0) return { kind: 'unreadable' }
  const quietMs = WITHOUT_QUIET.has(type) ? 0 : QUIET_MS
  const id = typeof event['id'] === 'string' ? event['id'] : undefined
  return {
    kind: 'revokes',
    id,
    revocations: userIds.map((userId) => ({
      target: { kind: 'user', userId }, origin: 'webhook', quietMs, ...ENDING.has(type) ? { ends: 0 } : {}
    }))
  }
}

/** A promotion names two: who the anonymous user was, and who they are now. */
function userIdsOf (event: Json): readonly string[] {
  const payload = objectOf(event['payload'])
  const ids = [payload?.['user'], payload?.['anonymous_user']].map((user) => objectOf(user)?.['id'])
  const context = objectOf(event['context'])?.['user_id']
  const named = ids.filter(isUserId)
  if (named.length === 0 && isUserId(context)) return [context]
  return [...new Set(named)]
}
