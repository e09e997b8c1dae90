import type { CredentialDigest } from '../core/cache-key.ts'
import { readCredentials } from '../core/credentials.ts'
import { clearCookie, LOGOUT_COOKIE, readCookie, setCookie } from '../login/cookie.ts'
import { readErrand } from '../login/errand.ts'
import { isFromAnotherSite } from '../login/site.ts'
import { isCurrent } from '../login/state.ts'
import type { RevocationLog, RevokeOutcome } from '../revocation/log.ts'
import type { LoginDeps } from './login.ts'
import { subjectOf, type Answerer } from './question.ts'

export type LogoutDeps = LoginDeps & Readonly<{
  revocations: RevocationLog
  /** Milliseconds; CACHE_TTL and what a person takes to confirm: the session is alive until Authgear ends it. */
  quietMs: number
  /** Whether Authgear sends people to `/logged-out`, and not to a page of the site's own. */
  comesBack: boolean
}>

/** What travels to `/logged-out`. */
type Sealed = Readonly<{ digests: readonly CredentialDigest[], issuedAt: number }>

/** Milliseconds in which a credential's sign-out is written once: one session, or one such cookie, could else fill the log. */
const ONCE_IN = 1000
/** Digests; forgetting one costs another line of the log. */
const MAX_REMEMBERED = 1000

/** `/logout`: forgets this session on every replica, and has Authgear end it. */
export function createLogout (deps: LogoutDeps): Answerer {
  const revokeAll = createRevokeAll(deps)
  const { answers, authgear, seal, clock, authenticator, keyer, cookieNames, quietMs, comesBack } = deps
  return async (question) => {
    if (!readErrand(question.rawHeaders).isPage) return answers.page('not_a_page', question)
    if (isFromAnotherSite(question.rawHeaders)) return answers.page('cross_site', question)
    const reading = readCredentials(question.rawHeaders, cookieNames)
    if (reading.kind !== 'credentials') return answers.redirect('signing_out', authgear.endSession)
    const authentication = await authenticator.authenticate(subjectOf(keyer, question, reading.credentials))
    if (authentication.kind === 'unavailable') return { ...answers.page('login_unavailable', question), error: authentication.error }
    // who is nobody has nothing to revoke, and could else fill the log with junk
    if (authentication.kind === 'refused' || authentication.resolution.kind === 'invalid') return answers.redirect('signing_out', authgear.endSession)
    const digests = keyer.digests(reading.credentials)
    await revokeAll(digests, quietMs)
    const sealed: Sealed = { digests, issuedAt: clock.wall() }
    return answers.redirect('signing_out', authgear.endSession, comesBack ? setCookie(LOGOUT_COOKIE, seal.seal('logout', sealed)) : undefined)
  }
}

/** `/logged-out`: Authgear has ended the session; what was remembered of it since is forgotten too. */
export function createLoggedOut (deps: LogoutDeps): Answerer {
  const revokeAll = createRevokeAll(deps)
  const { answers, seal, clock } = deps
  return async (question) => {
    // a page that is fetched ahead would use up the cookie
    if (!readErrand(question.rawHeaders).isPage) return answers.page('not_a_page', question)
    const text = readCookie(question.rawHeaders, LOGOUT_COOKIE)
    const opened = text === undefined ? undefined : seal.open('logout', text) as Sealed | undefined
    if (opened === undefined || !isCurrent(opened, clock.wall())) return answers.page('signed_out', question)
    await revokeAll(opened.digests, 0)
    return answers.page('signed_out', question, { cookie: clearCookie(LOGOUT_COOKIE) })
  }
}

/** Nothing that began since the first one is remembered (`/logout`, quiet), or the session was dead by then (`/logged-out`): a second one adds nothing. */
function createRevokeAll ({ revocations, clock }: LogoutDeps): (digests: readonly CredentialDigest[], quietMs: number) => Promise<void> {
  const lately = new Map<CredentialDigest, Readonly<{ at: number, outcome: Promise<RevokeOutcome> }>>()
  const revoke = (digest: CredentialDigest, quietMs: number): Promise<RevokeOutcome> => {
    const now = clock.monotonic()
    const known = lately.get(digest)
    if (known !== undefined && now - known.at < ONCE_IN) return known.outcome
    // `pending` holds on this replica at once, and is published when Redis is back
    const outcome = revocations.revoke({ target: { kind: 'credential', digest }, origin: 'logout', quietMs })
    if (lately.size >= MAX_REMEMBERED) lately.clear()
    lately.set(digest, { at: now, outcome })
    return outcome
  }
  return async (digests, quietMs) => { await Promise.all(digests.map((digest) => revoke(digest, quietMs))) }
}
