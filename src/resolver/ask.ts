import type { Resolution } from '../core/resolution.ts'
import { Overloaded } from '../errors.ts'
import { isWorthARetry, type Exchange } from './exchange.ts'
import type { Verdict } from './resolver.ts'

export type Request = (options: Exchange) => Promise<Resolution>

/**
 * No verdict at all on a `session` cookie is never an honest no (authgear.md 1.3): asked once more within the deadline.
 * @param mayRetry whether Authgear is well enough for a second request
 */
export async function askSurely (request: Request, mayRetry: () => boolean, options: Exchange, hasSessionCookie: boolean): Promise<Verdict> {
  // its turn came too late: nobody waits any more, and it says nothing about Authgear, so the breaker must not count it
  if (options.deadline.aborted) throw new Overloaded()
  const isDoubtful = (resolution: Resolution): boolean => hasSessionCookie && resolution.kind === 'invalid' && resolution.silent
  const ask = withOneRetry(request, mayRetry, options)
  const first = await ask()
  if (!isDoubtful(first)) return { resolution: first, certain: true }
  const second = await ask()
  return { resolution: second, certain: !isDoubtful(second) }
}

/** One retry in all, within the deadline, and not while Authgear is in trouble: a retry would double its load. */
function withOneRetry (request: Request, mayRetry: () => boolean, options: Exchange): () => Promise<Resolution> {
  let retried = false
  return async () => {
    try {
      return await request(options)
    } catch (error) {
      if (retried || !isWorthARetry(error) || !mayRetry() || options.deadline.aborted) throw error
      retried = true
      return await request(options)
    }
  }
}
