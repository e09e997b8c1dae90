import { ADMIN_API_ERROR_KINDS } from '../../base/authgear/admin-api/errors.ts'
import { counter } from '../../base/metrics/table.ts'
import { ANSWER_OUTCOMES, READ_OUTCOMES } from './types.ts'

export const METRICS = {
  answers: counter(
    'forward_auth_profile_answers_total',
    'Requests that needed a profile: known = from memory; stale = the same, older than PROFILE_TTL; waited = for ' +
      'the first look-up; late = not within PROFILE_TIMEOUT; unknown = no profile, no wait; rejected = too many ' +
      'waiting, or Authgear just failed.',
    'outcome', ANSWER_OUTCOMES
  ),
  reads: counter(
    'forward_auth_profile_reads_total',
    'Profiles read: redis = by another replica; none = no such user; foreign = about another user, refused; ' +
      'dropped = changed meanwhile; hidden = Authgear hides addresses from apps; refused = token not accepted.',
    'outcome', READ_OUTCOMES
  ),
  requests: counter(
    'forward_auth_profile_requests_total',
    'Profile queries of the Admin API (up to a hundred users each) or userinfo; rejected = not sent: too many ' +
      'waiting, or Authgear fails.',
    'outcome', ['ok', 'rejected', ...ADMIN_API_ERROR_KINDS]
  )
}
