import { counter, type CountsOf, gauge, histogram } from '../../base/metrics/table.ts'
import type { SignInSettings } from './variables.ts'

/** The ends of a refresh: a metric's label. `adopted`: another replica did it; `rejected`: Authgear was not asked. */
const REFRESH_OUTCOMES = [
  'refreshed', 'adopted', 'ended', 'limited', 'timeout', 'error', 'rejected', 'not_stored'
] as const
export type RefreshOutcome = (typeof REFRESH_OUTCOMES)[number]

/**
 * The reasons for which a session ended that Authgear has not ended: a metric's label. `another_user`: the resolver
 * names another one; `too_many`: it was the oldest of its user.
 */
const SESSION_ENDS = ['another_user', 'too_many'] as const
export type SessionEnd = (typeof SESSION_ENDS)[number]

/** Steps of logins: a metric's label. */
const LOGIN_STEPS = [
  'silent', 'interactive', 'step_up', 'signed_in', 'stepped_up', 'signed_out', 'refused', 'failed'
] as const
export type LoginStep = (typeof LOGIN_STEPS)[number]

const METRICS = {
  sessions: gauge('forward_auth_own_sessions', 'Own sessions in memory.'),
  refreshes: counter(
    'forward_auth_session_refreshes_total',
    'Refreshes of access tokens; ended = the session is over (invalid_grant); rejected = not sent: too many ' +
      'waiting, or the circuit breaker is open.',
    'outcome', REFRESH_OUTCOMES
  ),
  seconds: histogram(
    'forward_auth_session_refresh_seconds',
    'Latency of the token endpoint for refreshes.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
  ),
  ends: counter(
    'forward_auth_own_sessions_ended_total',
    'Own sessions ended here: another_user = the resolver named another user; too_many = over a hundred of one user.',
    'reason', SESSION_ENDS
  ),
  steps: counter('forward_auth_login_steps_total', 'Steps of logins with LOGIN_SESSION=own.', 'step', LOGIN_STEPS)
}

export type Counts = CountsOf<typeof METRICS>

/** Sessions of our own have metrics; nobody counts others. */
export const metricsOf = ({ login }: SignInSettings): typeof METRICS =>
  login?.own === undefined ? {} as typeof METRICS : METRICS
