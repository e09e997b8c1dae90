import type { CredentialDigest } from '../../base/core/cache-key.ts'
import type { Revocation, Target } from '../../base/revocation/types.ts'
import { effectOf, endsTokens, type Effect } from './activity-types.ts'
import { type Json, listOf, objectOf } from '../../base/core/json.ts'
import type { AuditEntry } from './entry.ts'

/** The entry is written when Authgear has committed; what it keeps beside its database may be a little older. */
const QUIET_MS = 200

export type SessionDigest = (sessionId: string) => CredentialDigest

/** @returns what one entry makes void */
export function revocationsOf ({ type, data }: AuditEntry, sessionDigest: SessionDigest): readonly Revocation[] {
  const effect = effectOf(type) ?? 'users'
  if (effect === 'nothing') return []
  const payload = objectOf(data['payload']) ?? {}
  if (effect === 'everything' || (effect === 'members' && listOf(payload['role_group_ids']).length > 0)) {
    return [EVERYTHING]
  }
  if (effect === 'client') return clientsIn(payload, data)
  const users = userIdsOf(payload, data).map((userId): Target => ({ kind: 'user', userId }))
  const sessions =
    effect === 'sessions'
      ? sessionIdsOf(payload).map((id): Target => ({ kind: 'credential', digest: sessionDigest(id) }))
      : []
  const targets = [...users, ...sessions]
  if (targets.length === 0 && effect === 'authorization') return [EVERYTHING, ...clientsOf(payload)]
  if (targets.length === 0 && mustNameSomebody(type, effect, payload)) return [EVERYTHING]
  const quietMs = effect === 'users at once' ? 0 : QUIET_MS
  const ends = endsTokens(type) ? { ends: 0 } : {}
  return targets.map((target) => ({ target, origin: 'audit', quietMs, ...target.kind === 'user' ? ends : {} }))
}

/** The entry does not say whose tokens they were: all of the client's end, and clients fetch new ones. */
function clientsOf (payload: Json): readonly Revocation[] {
  return texts([objectOf(payload['authorization'])?.['clientID']]).map(tokensOf)
}

/** Authgear itself lets the tokens of a client that was deleted live until they expire. */
function clientsIn (payload: Json, data: Json): readonly Revocation[] {
  const clients = clientIdsOf(payload, data)
  return clients.length === 0 ? [EVERYTHING] : clients.map(tokensOf)
}

function clientIdsOf (payload: Json, data: Json): readonly string[] {
  return texts([payload['client_id'], objectOf(data['context'])?.['client_id']])
}

/** Clients that were registered and deleted: their ids never come back, as one that is a URL does. */
export function deletionsOf ({ type, data, second }: AuditEntry): readonly Deletion[] {
  if (effectOf(type) !== 'client') return []
  const payload = objectOf(data['payload']) ?? {}
  const { source } = payload
  const isRegistered = (id: string): boolean =>
    !/^https?:/i.test(id) && (source === 'dcr' || (source === undefined && id.startsWith('dcrc_')))
  const [deleted] = clientIdsOf(payload, data) // what stands beside it may be who deleted it
  return [deleted].flatMap((id) => id !== undefined && isRegistered(id) ? [{ clientId: id, at: second * 1000 }] : [])
}

/** `at`: milliseconds since 1970. */
type Deletion = Readonly<{ clientId: string, at: number }>

const tokensOf = (clientId: string): Revocation =>
  ({ target: { kind: 'client', clientId }, origin: 'audit', quietMs: 0, ends: 0 })

export const EVERYTHING: Revocation = Object.freeze({
  target: Object.freeze({ kind: 'everything' }),
  origin: 'audit',
  quietMs: 0
})

/**
 * An entry of a type that names a user, without one, must not be read as if it concerned no user. A list may be empty:
 * a role without users.
 */
function mustNameSomebody (type: string, effect: Effect, payload: Json): boolean {
  return effectOf(type) !== undefined && effect !== 'members' && !LISTS.some((name) => name in payload)
}

const LISTS = ['user_ids', 'role_user_ids', 'group_user_ids'] as const

/** Wherever they stand: mutations have them in the payload alone, a deleted user is in the context too. */
function userIdsOf (payload: Json, data: Json): readonly string[] {
  const alone = [
    objectOf(payload['user'])?.['id'],
    objectOf(payload['anonymous_user'])?.['id'],
    payload['user_id'],
    objectOf(data['context'])?.['user_id']
  ]
  return texts([...alone, ...LISTS.flatMap((name) => listOf(payload[name]))])
}

function sessionIdsOf (payload: Json): readonly string[] {
  return texts([payload['session'], ...listOf(payload['sessions'])].map((session) => objectOf(session)?.['id']))
}

function texts (values: readonly unknown[]): readonly string[] {
  return [...new Set(values.filter((value): value is string => typeof value === 'string' && value !== ''))]
}
