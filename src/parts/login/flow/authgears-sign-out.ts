import type { CredentialDigest } from '../../../base/core/cache-key.ts'
import {
  type CookieNames, type Credentials, isSomething, linesOf, only, readCredentials
} from '../../../base/core/credentials.ts'
import type { Resolution } from '../../../base/core/resolution.ts'
import type { DigestForm, PortableDigest } from '../../../base/core/rotation.ts'
import type { ResolverError } from '../../../base/errors.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { whoOf } from './responses.ts'
import type { Site } from './sites.ts'
import type { AuthgearsDeps } from './authgears-session.ts'
import { readSignedOut, type SignedOut, signedOutCookie, type WayOut } from './sign-out.ts'
import type { SignedIn, SignOuts } from '../sessions/sign-out-budget.ts'

export type AuthgearsSignOutDeps = AuthgearsDeps & Readonly<{
  signOuts: SignOuts
  digestForm: DigestForm
}>

/** The value that travels to `/logged-out`. */
export type AuthgearsSignedOut = SignedOut & Readonly<{
  signedIn: ReadonlyArray<Readonly<{ userId: string }> & PortableDigest>
}>

/** Authgear's session is forgotten on every replica, before and after Authgear ends it. */
export function createAuthgearsSignOut (deps: AuthgearsSignOutDeps): WayOut {
  const { answers, authgear, signOuts, digestForm } = deps
  const readEach = createEachCredential(deps.cookieNames)
  return {
    async leave (request, site, returnTo) {
      const found = await findValid(deps, request, readEach(request.rawHeaders))
      if (found.kind === 'unavailable') return { ...answers.page('login_unavailable', request), error: found.error }
      const { signedIn } = found
      const address = authgear.endSession(site)
      // a stranger has nothing to revoke, and could otherwise fill the revocations with junk
      if (signedIn.length === 0 && returnTo === undefined) return answers.redirect('signing_out', address)
      const outcomes = await Promise.all(signedIn.map(signOuts.begin))
      if (outcomes.includes('refused')) return answers.page('login_unavailable', request)
      const portable = signedIn.map(({ userId, digest }) => ({ userId, ...digestForm.seal(digest) }))
      const comesBack = authgear.comesBack(site)
      const cookie = comesBack ? cookieOf(deps, request, site, { signedIn: portable, returnTo }) : undefined
      return { ...answers.redirect('signing_out', address, cookie), who: endedOf(deps, request, signedIn) }
    },
    /** What was cached in between is forgotten, too. */
    async back (request, site) {
      const signedOut = readSignedOut<AuthgearsSignedOut>(deps, request, site, 'logout')
      if (signedOut === undefined) return undefined
      // the user's, where the digest is of a secret that this replica does not have
      const signedIn = signedOut.signedIn.map((one) => ({ userId: one.userId, digest: digestForm.open(one) }))
      const outcomes = await Promise.all(signedIn.map(signOuts.end))
      return outcomes.includes('refused') ? 'refused' : signedOut
    }
  }
}

/** The person by all that the browser sent, as the lines of what it opened have it. */
function endedOf (
  { keyer, cookieNames }: AuthgearsSignOutDeps,
  { rawHeaders }: VerifyRequest,
  [first]: readonly SignedIn[]
): HandlerResult['who'] {
  const reading = readCredentials(rawHeaders, cookieNames)
  if (first === undefined || reading.kind !== 'credentials') return undefined
  return whoOf(keyer, reading.credentials, first.userId)
}

function cookieOf (
  deps: AuthgearsSignOutDeps,
  request: VerifyRequest,
  site: Site,
  { signedIn: ended, returnTo }: Omit<AuthgearsSignedOut, 'issuedAt'>
): string {
  // another tab's sign-out may be under way
  const signedIn = ended.length === 0
    ? readSignedOut<AuthgearsSignedOut>(deps, request, site, 'logout')?.signedIn ?? []
    : ended
  const signedOut = { signedIn, returnTo, issuedAt: deps.clock.wall() } satisfies AuthgearsSignedOut
  return signedOutCookie(deps, site, 'logout', signedOut)
}

type ReadEach = (rawHeaders: readonly string[]) => readonly Credentials[]

/** Reads each credential of a request as if it were alone: a malformed or ambiguous one hides none of the others. */
export function createEachCredential (names: CookieNames): ReadEach {
  const onlyOne = ['app_session', 'app_access_token', 'session'].map((cookie) => only(names, cookie))
  return (rawHeaders) => {
    const cookies = linesOf(rawHeaders, 'cookie')
    const bearer = readCredentials(linesOf(rawHeaders, 'authorization'), names)
    const readings = [bearer, ...onlyOne.map((one) => readCredentials(cookies, one))]
    const found = readings.flatMap((reading) => reading.kind === 'credentials' ? [reading.credentials] : [])
    return found.filter(isSomething)
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
async function findValid (
  deps: AuthgearsSignOutDeps, request: VerifyRequest, all: readonly Credentials[]
): Promise<Found> {
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
  { authenticator, keyer }: AuthgearsSignOutDeps,
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
