import { IDENTITY_HEADERS } from '../../src/core/resolution.ts'
import type { Answer } from '../helpers/request.ts'
import type { Moment, Person } from './people.ts'

export type Question = Readonly<{
  /** Undefined: a credential that was never anybody's, or none. */
  person: Person | undefined
  policy: 'none' | 'admin'
  sentAt: Moment
  endedAt: Moment
}>

/** Milliseconds. */
export type Bounds = Readonly<{
  ttlMs: number
  staleMs: number
  /** How long after a revocation was acknowledged a replica may not know of it. */
  unknownMs: number
}>

/** Milliseconds by which clocks that count in whole ones may differ. */
const SLACK = 250

/**
 * What must never happen (docs/security.md, "What must never happen"), of one answer.
 * @returns what is wrong with it
 */
export function violationsOf (question: Question, answer: Answer, bounds: Bounds): string[] {
  const { status, headers } = answer
  const identity = Object.keys(headers).filter((name) => name.startsWith('x-authgear-'))
  const found: string[] = []
  if (![200, 401, 403, 503].includes(status)) found.push(`status ${status}`)
  if (status === 200) found.push(...wrongSuccess(question, answer, bounds))
  else if (identity.length > 0) found.push(`identity headers on ${status}`)
  if (status === 401 && isCertainlyValid(question)) found.push('an error was taken for a log-out')
  if (status === 403 && (question.policy === 'none' || question.person?.isAdmin !== false)) {
    found.push('forbidden without a reason')
  }
  return found
}

function wrongSuccess ({ person, policy, sentAt }: Question, { headers, body }: Answer, bounds: Bounds): string[] {
  if (person === undefined) return ['200 without a session']
  const found: string[] = []
  if (headers['x-authgear-user-id'] !== person.id) found.push('another user’s identity')
  if (headers['x-authgear-user-roles'] !== (person.isAdmin ? 'admin,staff' : 'staff')) found.push('other roles')
  if (IDENTITY_HEADERS.some((name) => headers[name] === undefined)) found.push('an identity header is missing')
  if (policy === 'admin' && !person.isAdmin) found.push('a policy was skipped')
  if (body !== '' || headers['set-cookie'] !== undefined) found.push('a 200 with a body or a cookie')
  if (sentAt >= lastAccepted(person, bounds)) {
    found.push(
      `accepted ${Math.round(sentAt - (person.endedAt ?? 0))} ms after its end, ` +
        `${Math.round(sentAt - (person.revokedAt ?? sentAt))} ms after it was revoked`
    )
  }
  return found
}

/** A request later than this must be refused. */
function lastAccepted (
  { endedAt = Infinity, revokedAt = Infinity }: Person,
  { ttlMs, staleMs, unknownMs }: Bounds
): Moment {
  return Math.min(endedAt + ttlMs + staleMs, revokedAt + unknownMs) + SLACK
}

function isCertainlyValid ({ person, endedAt }: Question): boolean {
  return person !== undefined && endedAt < (person.endedAt ?? Infinity)
}
