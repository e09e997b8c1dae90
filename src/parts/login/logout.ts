import { type Credentials, readCredentials } from '../../base/core/credentials.ts'
import { createEachCredential } from './each-credential.ts'
import { isCurrent, readSignedOut, signedOutCookie } from './flow/seal.ts'
import { clearedCookie, type Site } from './sites.ts'
import { isFromAnotherSite } from './redirect.ts'
import { whoOf } from './responses.ts'
import { readLoginQuery, writeLoginQuery } from './flow/login-query.ts'
import type { CredentialDigest } from '../../base/core/cache-key.ts'
import type { DigestForm, PortableDigest } from '../../base/core/rotation.ts'
import type { Resolution } from '../../base/core/resolution.ts'
import type { ResolverError } from '../../base/errors.ts'
import type { SignedIn, SignOuts } from './sign-outs.ts'
import type { AuthgearsDeps } from './flow/authgears-session.ts'
import { credentialContextOf } from '../../base/http/request.ts'
import type { Handler, HandlerResult, VerifyRequest } from '../../base/http/types.ts'

export type LogoutDeps = AuthgearsDeps & Readonly<{
  site: Site
  signOuts: SignOuts
  digestForm: DigestForm
  /** True if Authgear sends people to `/logged-out`, and not to a page of the site's own. */
  comesBack: boolean
  /** Absolute. */
  loginUrl: string
}>

/** The value that travels to `/logged-out`, which another replica may serve. */
export type SignedOut = Readonly<{
  signedIn: ReadonlyArray<Readonly<{ userId: string }> & PortableDigest>
  /** Validated; the page after the next sign-in, with another account. */
  returnTo?: string | undefined
  issuedAt: number
}>

/** `/logout[?rd=…]`: forgets this session on every replica, and has Authgear end it. */
export function createLogout (deps: LogoutDeps): Handler {
  const { answers, authgear, site, signOuts, digestForm, comesBack } = deps
  const readEach = createEachCredential(deps.cookieNames)
  return async (request) => {
    if (isFromAnotherSite(request.rawHeaders)) return answers.page('cross_site', request)
    const found = await findValid(deps, request, readEach(request.rawHeaders))
    if (found.kind === 'unavailable') return { ...answers.page('login_unavailable', request), error: found.error }
    const { signedIn } = found
    const returnTo = site.returnUrls.read(readLoginQuery(request.query ?? '').returnTo ?? '')
    // a stranger has nothing to revoke, and could otherwise fill the revocations with junk
    const address = authgear.endSession(site)
    if (signedIn.length === 0 && returnTo === undefined) return answers.redirect('signing_out', address)
    const outcomes = await Promise.all(signedIn.map(signOuts.begin))
    if (outcomes.includes('refused')) return answers.page('login_unavailable', request)
    const portable = signedIn.map(({ userId, digest }) => ({ userId, ...digestForm.seal(digest) }))
    const cookie = comesBack ? cookieOf(deps, request, portable, returnTo) : undefined
    return { ...answers.redirect('signing_out', address, cookie), who: endedOf(deps, request, signedIn) }
  }
}

/** The person by all that the browser sent, as the lines of what it opened have it. */
function endedOf (
  { keyer, cookieNames }: LogoutDeps,
  { rawHeaders }: VerifyRequest,
  [first]: readonly SignedIn[]
): HandlerResult['who'] {
  const reading = readCredentials(rawHeaders, cookieNames)
  if (first === undefined || reading.kind !== 'credentials') return undefined
  return whoOf(keyer, reading.credentials, first.userId)
}

function cookieOf (
  deps: LogoutDeps,
  request: VerifyRequest,
  ended: SignedOut['signedIn'],
  returnTo: string | undefined
): string {
  // another tab's sign-out may be under way
  const signedIn = ended.length === 0 ? openCookie(deps, request)?.signedIn ?? [] : ended
  const signedOut = { signedIn, returnTo, issuedAt: deps.clock.wall() } satisfies SignedOut
  return signedOutCookie(deps.seal, deps.site, 'logout', signedOut)
}

function openCookie ({ seal, clock, site }: LogoutDeps, request: VerifyRequest): SignedOut | undefined {
  const opened = readSignedOut(seal, request, site, 'logout') as SignedOut | undefined
  return opened !== undefined && isCurrent(opened, clock.wall()) ? opened : undefined
}

/** `/logged-out`: Authgear has ended the session; this also forgets what was cached in between. */
export function createLoggedOut (deps: LogoutDeps): Handler {
  const { answers, site, site: { returnUrls }, signOuts, digestForm } = deps
  return async (request) => {
    const opened = openCookie(deps, request)
    if (opened === undefined) return answers.page('signed_out', request)
    // the user's, where the digest is of a secret that this replica does not have
    const signedIn = opened.signedIn.map((one) => ({ userId: one.userId, digest: digestForm.open(one) }))
    const outcomes = await Promise.all(signedIn.map(signOuts.end))
    if (outcomes.includes('refused')) return answers.page('login_unavailable', request)
    const cookie = clearedCookie(site, 'logout')
    if (opened.returnTo === undefined) return answers.page('signed_out', request, { cookie })
    // LOGIN_ALLOWED_HOSTS may be others by now
    const returnTo = returnUrls.read(opened.returnTo) ?? returnUrls.fallback
    const location = deps.loginUrl + writeLoginQuery({ returnTo, maxAge: undefined })
    return answers.redirect('sent_to_login', location, cookie)
  }
}

type Accepted = SignedIn & Readonly<{ digest: CredentialDigest }>

type Found =
  | Readonly<{ kind: 'found', signedIn: readonly Accepted[] }>
  | Readonly<{ kind: 'unavailable', error?: ResolverError }>

/**
 * Which of the credentials Authgear accepts: it says whose a request is, not by which of them, and a stranger's session
 * id in a junk cookie must revoke nothing. Each is asked about separately: a request takes one slot at a time.
 */
async function findValid (deps: LogoutDeps, request: VerifyRequest, all: readonly Credentials[]): Promise<Found> {
  const { authenticator, keyer } = deps
  const found = new Map<string, Accepted>()
  const unknown: Credentials[] = []
  let error: ResolverError | undefined
  for (const credentials of all) {
    const authentication = await authenticator.authenticate(credentialContextOf(keyer, request, credentials))
    if (authentication.kind === 'refused') continue
    if (authentication.kind === 'unavailable') error = authentication.error
    if (authentication.kind === 'unavailable' || isSilent(authentication.resolution, credentials)) {
      unknown.push(credentials)
      continue
    }
    const { resolution } = authentication
    // the session id, if it has one: entries with the cookie hold it
    const digest = keyer.revocable().digests(credentials).at(-1)
    if (resolution.kind === 'valid' && digest !== undefined) found.set(digest, { userId: resolution.userId, digest })
  }
  if (unknown.length === 0) return { kind: 'found', signedIn: [...found.values()] }
  const userId = found.values().next().value?.userId ?? await rememberedUser(deps, request, all)
  if (userId === undefined) return { kind: 'unavailable', ...(error === undefined ? {} : { error }) }
  // in an outage a sign-out holds all the same; by the whole credential only, since a session id is no secret
  for (const digest of unknown.flatMap(keyer.revocable().wholeDigests)) found.set(digest, { userId, digest })
  return { kind: 'found', signedIn: [...found.values()] }
}

/** An answer without a result for a session cookie does not prove that it is invalid. */
function isSilent (resolution: Resolution, { session }: Credentials): boolean {
  return resolution.kind === 'invalid' && resolution.noIdentityHeaders && session !== undefined
}

/** The user of all these credentials together in the cache: a browser may send several. */
async function rememberedUser (
  { authenticator, keyer }: LogoutDeps,
  request: VerifyRequest,
  all: readonly Credentials[]
): Promise<string | undefined> {
  const first = (pick: (one: Credentials) => string | undefined): string | undefined =>
    all.map(pick).find((value) => value !== undefined)
  const together: Credentials = {
    bearer: first(({ bearer }) => bearer),
    appSession: first(({ appSession }) => appSession),
    appAccessToken: first(({ appAccessToken }) => appAccessToken),
    session: first(({ session }) => session)
  }
  const authentication = await authenticator.authenticate(credentialContextOf(keyer, request, together))
  if (authentication.kind !== 'resolved' || authentication.resolution.kind !== 'valid') return undefined
  return authentication.resolution.userId
}
