import type { Authenticator } from '../../../base/authenticate/types.ts'
import type { Keyer } from '../../../base/core/cache-key.ts'
import type { Credentials } from '../../../base/core/credentials.ts'
import { credentialsOfCookie } from '../sessions/cookie.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { VerifyRequest } from '../../../base/http/types.ts'
import type { OwnSessions } from '../sessions/sessions.ts'
import type { SignOuts } from '../sign-outs.ts'

/** What the end of a session of our own takes. */
export type EndingDeps = Readonly<{
  authenticator: Authenticator
  keyer: Keyer
  sessions: OwnSessions
  signOuts: SignOuts
  /** Finds the user as whom the shared cache has these credentials. */
  sharedUser: (credentials: Credentials) => Promise<string | undefined>
}>

/**
 * A cookie is worth nothing any more, on any replica: also where its record is lost and what was resolved of it is not.
 * @param own as `Credentials` have it @param ending comes before its record goes
 */
export async function endCookie (
  deps: EndingDeps,
  request: VerifyRequest,
  own: string,
  ending?: Parameters<OwnSessions['end']>[1]
): Promise<Awaited<ReturnType<OwnSessions['end']>>> {
  const ended = await deps.sessions.end(own, ending)
  if (ended.kind !== 'done' || ended.value !== undefined) return ended
  const forgotten = await forgetValid(deps, request, credentialsOfCookie(own))
  return forgotten === 'done' ? ended : { kind: 'unreachable' }
}

/**
 * Has what is remembered of valid credentials forgotten everywhere: a stranger's junk costs no line of the log.
 * @returns `unknown`: nobody can say whether they are valid
 */
export async function forgetValid (
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
