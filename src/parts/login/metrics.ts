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
  sessions: gauge('forward_auth_own_sessions', 'Sessions of LOGIN_SESSION=own that this replica has in memory.'),
  refreshes: counter(
    'forward_auth_session_refreshes_total',
    'Refreshes of access tokens by their end; ended: the session is over, by invalid_grant on its newest token; ' +
      'rejected: not asked, since too many wait or the circuit breaker is open.',
    'outcome', REFRESH_OUTCOMES
  ),
  seconds: histogram(
    'forward_auth_session_refresh_seconds',
    'From the call to the token endpoint to its answer.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
  ),
  ends: counter(
    'forward_auth_own_sessions_ended_total',
    'Sessions of LOGIN_SESSION=own that ended without an answer of the token endpoint: the resolver named another ' +
      'user for them, or their user had too many.',
    'reason', SESSION_ENDS
  ),
  steps: counter('forward_auth_login_steps_total', 'Steps of logins with LOGIN_SESSION=own.', 'step', LOGIN_STEPS)
}

export type Counts = CountsOf<typeof METRICS>

/** Sessions of our own have metrics; nobody counts others. */
export const metricsOf = ({ login }: SignInSettings): typeof METRICS =>
  login?.own === undefined ? {} as typeof METRICS : METRICS
