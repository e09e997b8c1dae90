import { Gauge, Histogram, type Registry } from 'prom-client'
import { LOGIN_STEPS, type LoginStep } from '../../request/own-login/types.ts'
import { REFRESH_OUTCOMES, type RefreshOutcome } from '../../shared/own-session/renewal.ts'
import { SESSION_ENDS, type SessionEnd } from '../../shared/own-session/sessions.ts'
import { closedCounter } from './instruments.ts'

export type OwnSessionGauges = Readonly<{ sessions: () => number }>

export type OwnSessionObserver = Readonly<{
  refreshed: (outcome: RefreshOutcome, seconds: number) => void
  ended: (reason: SessionEnd) => void
  stepped: (step: LoginStep) => void
}>

/** Upper bounds in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Of sessions of our own. @param gauges undefined without LOGIN_SESSION=own: then none of them is shown */
export function registerOwnSessions (registry: Registry, gauges: OwnSessionGauges | undefined): OwnSessionObserver {
  if (gauges === undefined) return { refreshed () {}, ended () {}, stepped () {} }
  new Gauge({
    registers: [registry],
    name: 'forward_auth_own_sessions',
    help: 'Sessions of LOGIN_SESSION=own that this replica has in memory.',
    collect () { this.set(gauges.sessions()) }
  })
  const outcomes = closedCounter(
    registry,
    'forward_auth_session_refreshes_total',
    'Refreshes of access tokens by their end; ended: the session is over, by invalid_grant on its newest token; ' +
      'rejected: not asked, since too many wait or the circuit breaker is open.',
    'outcome',
    REFRESH_OUTCOMES
  )
  const seconds = new Histogram({
    registers: [registry],
    name: 'forward_auth_session_refresh_seconds',
    help: 'From the call to the token endpoint to its answer.',
    buckets: BUCKETS
  })
  const ends = closedCounter(
    registry,
    'forward_auth_own_sessions_ended_total',
    'Sessions of LOGIN_SESSION=own that ended without a word of the token endpoint: the resolver named another user ' +
      'for them, or their user had too many.',
    'reason',
    SESSION_ENDS
  )
  const steps = closedCounter(
    registry, 'forward_auth_login_steps_total', 'Steps of logins with LOGIN_SESSION=own.', 'step', LOGIN_STEPS
  )
  return Object.freeze({
    refreshed (outcome: RefreshOutcome, took: number): void {
      outcomes.add(outcome)
      if (outcome !== 'adopted') seconds.observe(took)
    },
    ended: ends.add,
    stepped: steps.add
  })
}
