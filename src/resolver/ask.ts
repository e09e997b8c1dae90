import type { Resolution } from '../core/resolution.ts'
import { AuthgearTimeout } from '../errors.ts'
import { isWorthARetry, type Exchange } from './exchange.ts'
import type { Verdict } from './resolver.ts'

export type Request = (options: Exchange) => Promise<Resolution>

/**
 * No verdict at all on a `session` cookie is never an honest no (authgear.md 1.3): asked once more within the deadline.
 * @param mayRetry whether Authgear is well enough for a second request
 */
export async function askSurely (request: Request, mayRetry: () => boolean, options: Exchange, hasSessionCookie: boolean): Promise<Verdict> {
  const isDoubtful = (resolution: Resolution): boolean => hasSessionCookie && resolution.kind === 'invalid' && resolution.silent
  const first = await askWithRetry(request, mayRetry, options)
  if (!isDoubtful(first)) return { resolution: first, certain: true }
  const second = await askWithRetry(request, mayRetry, options)
  return { resolution: second, certain: !isDoubtful(second) }
}

/** Once more within the deadline, and not while Authgear is in trouble: a retry would double its load. */
async function askWithRetry (request: Request, mayRetry: () => boolean, options: Exchange): Promise<Resolution> {
  if (options.signal.aborted) throw new AuthgearTimeout(options.timeoutMs) // its turn came too late
  try {
    return await request(options)
  } catch (error) {
    if (!isWorthARetry(error) || !mayRetry() || options.signal.aborted) throw error
    return await request(options)
  }
}
