import type { Credentials } from '../../core/credentials.ts'
import type { Resolution } from '../../core/resolution.ts'
import { AuthgearSilent, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable, Overloaded } from '../../errors.ts'
import { type Exchange, isLostConnection } from './answer.ts'
import type { ResolverResult } from './types.ts'

/** A lost connection, or a transient 500 (docs/inside/authgear.md, "Load and failures"). */
const isWorthARetry = (error: unknown): boolean =>
  isLostConnection(error) || (error instanceof AuthgearStatus && error.status === 500)

export type Request = (options: Exchange) => Promise<Resolution>

/** Which credentials were sent, as far as no result at all says something of them. */
type Sent = 'session_cookie' | 'token' | 'nothing'

/** An empty cookie `session` is sent and bad, an empty token as none (docs/inside/authgear.md, "Credentials"). */
export function sentOf ({ bearer, appSession, appAccessToken, session }: Credentials): Sent {
  if (session !== undefined) return 'session_cookie'
  return [bearer, appSession, appAccessToken].some((value) => value !== undefined && value !== '') ? 'token' : 'nothing'
}

/**
 * No result at all may be a passing fault of Authgear's (docs/inside/authgear.md, "The resolver's answers"): it is
 * asked for once more within the deadline. Twice the same is an honest refusal of a token, and
 * never one of a `session` cookie.
 * @param mayRetry whether Authgear is well enough for a second request
 */
export async function resolveWithRetry (
  request: Request,
  mayRetry: () => boolean,
  options: Exchange,
  sent: Sent
): Promise<ResolverResult> {
  // its slot came too late: nobody waits any more, and the breaker must not count it, as Authgear was not asked
  if (options.deadline.aborted) throw new Overloaded()
  const ask = withOneRetry(request, mayRetry, options)
  const first = await ask()
  if (sent === 'nothing' || !isSilent(first)) return { resolution: first, isConclusive: true }
  const second = await ask().catch((error: unknown) => { throw sent === 'token' ? afterSilence(error) : error })
  return { resolution: second, isConclusive: sent === 'token' || !isSilent(second) }
}

/**
 * The breaker counts it no more than `staleInstead` takes it for an outage: Authgear did answer, and a stranger's junk
 * tokens, which are asked about twice, would open it where Authgear is slow.
 */
export function afterSilence (error: unknown): unknown {
  const isOutage = error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout
  return isOutage ? new AuthgearSilent(error) : error
}

export const isSilent = (resolution: Resolution): boolean =>
  resolution.kind === 'invalid' && resolution.noIdentityHeaders

/** One retry in all, within the deadline, and only while Authgear is well: a retry would double its load. */
function withOneRetry (request: Request, mayRetry: () => boolean, options: Exchange): () => Promise<Resolution> {
  let retried = false
  return async () => {
    try {
      return await request(options)
    } catch (error) {
      if (retried || !isWorthARetry(error) || !mayRetry() || options.deadline.aborted) throw error
      retried = true
      // a firewall that resets by User-Agent must not look like an outage: an ended session could pass for one
      return await request({ ...options, headers: options.plainHeaders() })
    }
  }
}
