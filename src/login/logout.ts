import { createEachCredential, type Credentials } from '../core/credentials.ts'
import { clearCookie, isCurrent, LOGOUT_COOKIE, readCookie, setCookie } from './state.ts'
import { isFromAnotherSite, readErrand } from './redirect.ts'
import type { ResolverError } from '../errors.ts'
import type { SignedIn, SignOuts } from '../revocation/sign-outs.ts'
import type { LoginDeps } from './login.ts'
import { subjectOf, type Answerer, type Question } from '../http/types.ts'

export type LogoutDeps = LoginDeps & Readonly<{
  signOuts: SignOuts
  /** Whether Authgear sends people to `/logged-out`, and not to a page of the site's own. */
  comesBack: boolean
}>

/** What travels to `/logged-out`. */
type Sealed = Readonly<{ signedIn?: readonly SignedIn[], issuedAt: number }>

/** `/logout`: forgets this session on every replica, and has Authgear end it. */
export function createLogout (deps: LogoutDeps): Answerer {
  const { answers, authgear, seal, clock, signOuts, comesBack } = deps
  const readEach = createEachCredential(deps.cookieNames)
  return async (question) => {
    if (!readErrand(question.rawHeaders).isPage) return answers.page('not_a_page', question)
    if (isFromAnotherSite(question.rawHeaders)) return answers.page('cross_site', question)
    const found = await findValid(deps, question, readEach(question.rawHeaders))
    if (found.kind === 'unavailable') return { ...answers.page('login_unavailable', question), error: found.error }
    const { signedIn } = found
    // who is nobody has nothing to revoke, and could else fill the log with junk
    if (signedIn.length === 0) return answers.redirect('signing_out', authgear.endSession)
    const outcomes = await Promise.all(signedIn.map(signOuts.begin))
    if (outcomes.includes('refused')) return answers.page('login_unavailable', question)
    const sealed: Sealed = { signedIn, issuedAt: clock.wall() }
    return answers.redirect('signing_out', authgear.endSession, comesBack ? setCookie(LOGOUT_COOKIE, seal.seal('logout', sealed)) : undefined)
  }
}

/** `/logged-out`: Authgear has ended the session; what was remembered of it since is forgotten too. */
export function createLoggedOut ({ answers, seal, clock, signOuts }: LogoutDeps): Answerer {
  return async (question) => {
    // a page that is fetched ahead would use up the cookie
    if (!readErrand(question.rawHeaders).isPage) return answers.page('not_a_page', question)
    const text = readCookie(question.rawHeaders, LOGOUT_COOKIE)
    const opened = text === undefined ? undefined : seal.open('logout', text) as Sealed | undefined
    if (opened === undefined || !isCurrent(opened, clock.wall())) return answers.page('signed_out', question)
    const outcomes = await Promise.all((opened.signedIn ?? []).map(signOuts.end))
    if (outcomes.includes('refused')) return answers.page('login_unavailable', question)
    return answers.page('signed_out', question, { cookie: clearCookie(LOGOUT_COOKIE) })
  }
}

type Found =
  | Readonly<{ kind: 'found', signedIn: readonly SignedIn[] }>
  | Readonly<{ kind: 'unavailable', error?: ResolverError }>

/**
 * Which of the credentials Authgear accepts: it says whose a request is, not by which of them, and a stranger's session
 * id in a junk cookie must revoke nothing. Each is asked about by itself, in turn: a request takes one slot at a time.
 */
async function findValid (deps: LogoutDeps, question: Question, all: readonly Credentials[]): Promise<Found> {
  const { authenticator, keyer } = deps
  const found = new Map<string, SignedIn>()
  for (const credentials of all) {
    const authentication = await authenticator.authenticate(subjectOf(keyer, question, credentials))
    if (authentication.kind === 'unavailable') return authentication
    if (authentication.kind === 'refused') continue
    const { resolution } = authentication
    const digest = keyer.digests(credentials).at(-1) // the session id, if it has one: entries with the cookie hold it
    if (resolution.kind === 'valid' && digest !== undefined) found.set(digest, { userId: resolution.userId, digest })
    // no verdict on a session cookie is never an honest no
    const isSilent = resolution.kind === 'invalid' && resolution.silent
    if (isSilent && credentials.session !== undefined) return { kind: 'unavailable' }
  }
  return { kind: 'found', signedIn: [...found.values()] }
}
