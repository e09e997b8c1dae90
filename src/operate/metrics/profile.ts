import type { Registry } from 'prom-client'
import { ADMIN_API_ERROR_KINDS, type AdminApiErrorKind } from '../../authgear/admin-api/errors.ts'
import { ANSWER_OUTCOMES, type AnswerOutcome } from '../../shared/profile/profiles.ts'
import { READ_OUTCOMES, type ReadOutcome } from '../../shared/profile/reader.ts'
import { counter, register } from './table.ts'

export type ProfileObserver = Readonly<{
  answered: (outcome: AnswerOutcome, count: number) => void
  read: (outcome: ReadOutcome) => void
  queried: (outcome: 'ok' | AdminApiErrorKind) => void
}>

const PROFILE = {
  answers: counter(
    'forward_auth_profile_answers_total',
    'Requests that asked for a profile: known = from memory; stale = from memory, past PROFILE_TTL; waited = on ' +
      'the first sight of a user; late = no answer within PROFILE_TIMEOUT; unknown = nothing is known, nobody ' +
      'waited; rejected = too many users wait, or the Admin API failed a moment ago.',
    'outcome', ANSWER_OUTCOMES
  ),
  reads: counter(
    'forward_auth_profile_reads_total',
    'Users that were read: redis = from another replica; none = Authgear knows no such user; foreign = the answer ' +
      'was about somebody else, and refused; dropped = changed while they were read.',
    'outcome', READ_OUTCOMES
  ),
  requests: counter(
    'forward_auth_profile_requests_total',
    'Queries of the Admin API for profiles, of up to a hundred users each.',
    'outcome', ['ok', ...ADMIN_API_ERROR_KINDS]
  )
}

export function registerProfile (registry: Registry): ProfileObserver {
  const { count: { answers, reads, requests } } = register(registry, PROFILE)
  return Object.freeze({ answered: answers.add, read: reads.add, queried: requests.add })
}
