import { ADMIN_API_ERROR_KINDS } from '../../base/authgear/admin-api/errors.ts'
import { counter } from '../../base/metrics/table.ts'
import { ANSWER_OUTCOMES, READ_OUTCOMES } from './types.ts'

export const METRICS = {
  answers: counter(
    'forward_auth_profile_answers_total',
    'Requests that asked for a profile: known = from memory; stale = from memory, past PROFILE_TTL; waited = on ' +
      'the first sight of a user; late = no answer within PROFILE_TIMEOUT; unknown = nothing is known, nobody ' +
      'waited; rejected = too many users wait, or Authgear failed a moment ago.',
    'outcome', ANSWER_OUTCOMES
  ),
  reads: counter(
    'forward_auth_profile_reads_total',
    'Users that were read: redis = from another replica; none = Authgear has no such user; foreign = the answer ' +
      'was about another user, and refused; dropped = changed while they were read; hidden = Authgear keeps their ' +
      "address from apps; refused = the person's token was not taken.",
    'outcome', READ_OUTCOMES
  ),
  requests: counter(
    'forward_auth_profile_requests_total',
    'Queries of the Admin API for profiles, of up to a hundred users each, or calls of userinfo; rejected = not ' +
      'made, since too many wait or Authgear fails.',
    'outcome', ['ok', 'rejected', ...ADMIN_API_ERROR_KINDS]
  )
}
