import type { Authenticator } from '../../../base/authenticate/types.ts'
import type { Keyer } from '../../../base/core/cache-key.ts'
import { type Credentials, readBearerAlone } from '../../../base/core/credentials.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { SessionsUnreachable } from '../errors.ts'
import { whoOf } from './responses.ts'
import { credentialsOfCookie } from '../sessions/cookie.ts'
import type { EndedGrants } from '../oidc/ended-grants.ts'
import type { SessionRecord } from '../sessions/record.ts'
import type { OwnSessions } from '../sessions/sessions.ts'
import { allSessionCookies, clearedCookie, type Site } from './sites.ts'
import type { FlowDeps } from './flow.ts'
import { readSignedOut, type SignedOut, signedOutCookie, type WayOut } from './sign-out.ts'
import type { SignOuts } from '../sessions/sign-out-budget.ts'

/** What the end of a session of our own takes. */
export type EndingDeps = Readonly<{
  authenticator: Authenticator
  keyer: Keyer
  sessions: OwnSessions
  signOuts: SignOuts
  /** Finds the user as whom the shared cache has these credentials. */
  sharedUser: (credentials: Credentials) => Promise<string | undefined>
}>

export type OwnSignOutDeps = FlowDeps & EndingDeps & Readonly<{ endedGrants: EndedGrants }>

/** The value that travels to `/logged-out`. */
export type OwnSignedOut = Required<SignedOut>

/** A session of our own ends on every replica, and its grant at Authgear. */
export function createOwnSignOut (deps: OwnSignOutDeps): WayOut {
  const { answers, authgear, clock, stepped } = deps
  return {
    async leave (request, site, returnTo) {
      const ended = await endBoth(deps, request, site)
      if (ended.kind === 'failed') return ended.result
      const { record, who } = ended
      if (record !== undefined) stepped('signed_out')
      const cookies = [clearedCookie(site, 'session')]
      if (authgear.comesBack(site) && returnTo !== undefined) {
        const signedOut = { returnTo, issuedAt: clock.wall() } satisfies OwnSignedOut
        cookies.push(signedOutCookie(deps, site, 'own logout', signedOut))
      }
      return { ...answers.redirect('signing_out', authgear.endSession(site, record?.idToken), cookies), who }
    },
    back: async (request, site) => readSignedOut(deps, request, site, 'own logout')
  }
}

type Ended =
  | Readonly<{ kind: 'ended', record: SessionRecord | undefined, who: HandlerResult['who'] }>
  | Readonly<{ kind: 'failed', result: HandlerResult }>

/** The cookie's session, and what is remembered of a token beside it: neither hides the other. */
async function endBoth (deps: OwnSignOutDeps, request: VerifyRequest, site: Site): Promise<Ended> {
  const { answers, endedGrants } = deps
  const failed = (rest: Partial<HandlerResult> = {}): Ended =>
    ({ kind: 'failed', result: { ...answers.page('login_unavailable', request), ...rest } })
  const ended: Array<Readonly<{ cookieRef: string, record: SessionRecord }>> = []
  for (const cookieRef of allSessionCookies(request, site)) {
    const one = await endCookie(deps, request, cookieRef, ({ refreshToken }) => endedGrants.add(refreshToken))
    if (one.kind !== 'done') return failed({ error: new SessionsUnreachable() })
    if (one.value !== undefined) ended.push({ cookieRef, record: one.value })
  }
  const bearer = readBearerAlone(request.rawHeaders)
  if (bearer.kind === 'credentials' && await forgetValid(deps, request, bearer.credentials) === 'refused') {
    return failed()
  }
  const [first] = ended
  if (first === undefined) return { kind: 'ended', record: undefined, who: undefined }
  const { cookieRef, record } = first
  return { kind: 'ended', record, who: whoOf(deps.keyer, credentialsOfCookie(cookieRef), record.userId) }
}

/**
 * A cookie is worth nothing any more, on any replica: also where its record is lost and what was resolved of it is not.
 * @param cookieRef as `Credentials` have it @param ending comes before its record goes
 */
export async function endCookie (
  deps: EndingDeps,
  request: VerifyRequest,
  cookieRef: string,
  ending?: Parameters<OwnSessions['end']>[1]
): Promise<Awaited<ReturnType<OwnSessions['end']>>> {
  const ended = await deps.sessions.end(cookieRef, ending)
  if (ended.kind !== 'done' || ended.value !== undefined) return ended
  const forgotten = await forgetValid(deps, request, credentialsOfCookie(cookieRef))
  return forgotten === 'done' ? ended : { kind: 'unreachable' }
}

/**
 * Has what is remembered of valid credentials forgotten everywhere: a stranger's junk costs no line of the log.
 * @returns `unknown`: nobody can say whether they are valid
 */
async function forgetValid (
  { authenticator, keyer, sharedUser, signOuts }: Omit<EndingDeps, 'sessions'>,
  request: VerifyRequest,
  credentials: Credentials
): Promise<'done' | 'unknown' | 'refused'> {
  const known = await authenticator.authenticate(credentialContextOf(keyer, request, credentials))
  if (known.kind === 'unavailable') return 'unknown'
  if (known.kind === 'refused') return 'done'
  const { resolution } = known
  // another replica may remember what this one never saw
  const userId = resolution.kind === 'valid' ? resolution.userId : await sharedUser(credentials)
  if (userId === undefined) return 'done'
  const [digest] = keyer.revocable().wholeDigests(credentials)
  return await signOuts.begin({ userId, digest }) === 'refused' ? 'refused' : 'done'
}
