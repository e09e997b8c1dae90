import type { Presentation } from '../../base/core/presentation.ts'
import { type EpochMs, identityDeadline } from '../../base/core/token-expiry.ts'
import type { Admitted, HeaderContributor } from '../../base/identity/presenter.ts'
import type { SessionNames } from './session-names.ts'

/** On every 200 with LISTEN_EVENTS: names the session to the app, which learns by it that it has ended. */
export const SESSION_HEADER = 'x-forward-auth-session'
/** Expiry that is not announced, in seconds since 1970; empty if unknown. */
export const UNTIL_HEADER = 'x-forward-auth-until'

/** The audience of a route that names none (`audience=`). */
const DEFAULT_APP = 'default'

/** Names each session to the app whose audience the route names. */
export function createHeaders (names: SessionNames): HeaderContributor {
  return {
    names: [SESSION_HEADER, UNTIL_HEADER],
    session (presentation) {
      const app = appOf(presentation)
      return app === undefined ? undefined : (admitted) => sessionOf(names, app, admitted)
    },
    route: (presentation) => appOf(presentation) === undefined
      ? undefined
      : ({ session = '', admitted, now }) => ({ values: [session, untilOf(admitted, now)] })
  }
}

/** @returns undefined where the route contradicts itself */
function appOf ({ audience }: Presentation): string | undefined {
  if (audience.kind === 'contradiction') return undefined
  return audience.kind === 'named' ? audience.value : DEFAULT_APP
}

const sessionOf = (names: SessionNames, app: string, { credentials, digests, grant }: Admitted): string =>
  grant === undefined ? names.ofSession(app, credentials, digests) : names.ofToken(app, grant.id)

/** Seconds since 1970; empty for what ends by no clock that is known here. */
function untilOf ({ credentials, grant }: Admitted, now: EpochMs): string {
  const ends = grant?.expiresAt ?? identityDeadline(credentials, now)
  return Number.isFinite(ends) ? String(Math.floor(ends / 1000)) : ''
}
