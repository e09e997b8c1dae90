import { type AdminApiErrorKind, kindOfStatus } from '../../base/authgear/admin-api/errors.ts'
import { type Json, parseObject } from '../../base/core/json.ts'
import type { Reading } from './source.ts'

export const USERINFO = '/oauth2/userinfo'

/** Outcomes of a call. `rejected`: it was not made, since too many wait, or Authgear fails. */
export type CallOutcome = 'ok' | 'rejected' | AdminApiErrorKind

const FAILED: Reading = Object.freeze({ kind: 'failed' })
const REFUSED: Reading = Object.freeze({ kind: 'refused' })
const UNREADABLE: Reading = Object.freeze({ kind: 'unreadable' })

export type Answer = Readonly<{ status: number, body: string }>

/** @returns what it says of that very user */
export function readAnswer (
  { status, body }: Answer, userId: string
): Readonly<{ outcome: CallOutcome, reading: Reading }> {
  if (status !== 200) {
    if (status === 401) return { outcome: 'forbidden', reading: REFUSED }
    // a 403 is a firewall's, and says nothing about the token
    return { outcome: status === 403 ? 'refused' : kindOfStatus(status), reading: FAILED }
  }
  const claims = parseObject(body)
  if (typeof claims?.['sub'] !== 'string') return { outcome: 'garbage', reading: UNREADABLE }
  if (claims['sub'] !== userId) return { outcome: 'ok', reading: { kind: 'foreign' } }
  // a third-party client's token reads some attributes only: a missing one says nothing
  if (!('custom_attributes' in claims)) return { outcome: 'ok', reading: UNREADABLE }
  return { outcome: 'ok', reading: { kind: 'user', record: recordOf(claims) } }
}

function recordOf (claims: Json) {
  return {
    isDisabled: false, // of a disabled user no token is taken
    attributes: claims,
    formattedName: nameIn(claims),
    groups: [],
    hidesAddress: 'email_verified' in claims && typeof claims['email'] !== 'string'
  }
}

/** Authgear keeps `name` from apps unless a project says otherwise, and makes it of these two. */
function nameIn ({ name, given_name: given, family_name: family }: Json): unknown {
  if (typeof name === 'string' && name.trim() !== '') return name
  return [given, family].filter((part) => typeof part === 'string').join(' ')
}
