import type { Registry } from 'prom-client'
import { LOGIN_STEPS, type LoginStep } from '../own-login/types.ts'
import { REFRESH_OUTCOMES, type RefreshOutcome } from '../own-session/renewal.ts'
import { SESSION_ENDS, type SessionEnd } from '../own-session/sessions.ts'
import { counter, gauge, histogram, register } from './table.ts'

export type OwnSessionGauges = Readonly<{ sessions: () => number }>

export type OwnSessionObserver = Readonly<{
  refreshed: (outcome: RefreshOutcome, seconds: number) => void
  ended: (reason: SessionEnd) => void
  stepped: (step: LoginStep) => void
}>

const OWN_SESSIONS = {
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
    'Sessions of LOGIN_SESSION=own that ended without a word of the token endpoint: the resolver named another ' +
      'user for them, or their user had too many.',
    'reason', SESSION_ENDS
  ),
  steps: counter('forward_auth_login_steps_total', 'Steps of logins with LOGIN_SESSION=own.', 'step', LOGIN_STEPS)
}

/** @param gauges undefined without LOGIN_SESSION=own: then none of them is shown */
export function registerOwnSessions (registry: Registry, gauges: OwnSessionGauges | undefined): OwnSessionObserver {
  if (gauges === undefined) return { refreshed () {}, ended () {}, stepped () {} }
  const { count: { refreshes, seconds, ends, steps }, read } = register(registry, OWN_SESSIONS)
  read(gauges)
  return Object.freeze({
    refreshed (outcome: RefreshOutcome, took: number): void {
      refreshes.add(outcome)
      if (outcome !== 'adopted') seconds(took)
    },
    ended: ends.add,
    stepped: steps.add
  })
}
