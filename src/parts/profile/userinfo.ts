import { classify, isLostConnection } from '../../base/authgear/resolver/answer.ts'
import { createCircuitBreaker } from '../../base/authgear/resolver/circuit-breaker.ts'
import { Deadline } from '../../base/authgear/resolver/deadline.ts'
import { clientIn } from '../../base/authgear/resolver/failures.ts'
import type { ClientTrace, OutageObserver } from '../../base/authgear/resolver/types.ts'
import { authoritiesOf, Pool } from '../../base/authgear/undici.ts'
import type { UserId } from '../../base/core/resolution.ts'
import {
  AuthgearCircuitOpen, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable, Overloaded
} from '../../base/errors.ts'
import { type Answer, type CallOutcome, readAnswer, USERINFO } from './answer.ts'
import type { Reading } from './source.ts'

export type UserinfoOptions = Readonly<{
  /** AUTHGEAR_ENDPOINT: the public origin alone answers. */
  origin: string
  /** Milliseconds to wait for a place, and from then on for the answer. */
  timeoutMs: number
  /** PEM, beside the public roots. */
  ca: string | undefined
  /** Monotonic milliseconds. */
  now: () => number
  called: (outcome: CallOutcome, error?: unknown) => void
  outage: OutageObserver
}>

export type Userinfo = Readonly<{
  /** Reads a user by a token of their own. Never rejects. */
  read: (token: string, userId: UserId, trace: ClientTrace) => Promise<Reading>
  close: () => Promise<void>
}>

/** Authgear answers some hundred a second; the resolver needs its share. */
const MAX_CALLS = 8
/** The wait has a bound in time, which comes first: 800 calls in two seconds. */
const MAX_WAITING = 4096
/** One person's tokens, however many. In order, so that a storm of new users keeps out only who would wait too long. */
const PER_USER = { maxRunning: 2, maxWaiting: 16, isInOrder: true } as const
export const MAX_CALLS_OF_USER = PER_USER.maxRunning + PER_USER.maxWaiting
/** A login asks for full access: passkeys and identities are in the answer, and an app's own attributes. */
const MAX_BODY_BYTES = 256 * 1024

const FAILED: Reading = Object.freeze({ kind: 'failed' })
const NOT_ASKED: Reading = Object.freeze({ kind: 'failed', isAsked: false })
const UNREADABLE: Reading = Object.freeze({ kind: 'unreadable' })

/** Authgear's `/oauth2/userinfo`. Opens no connection yet, follows no redirect and sends no cookie. */
export function openUserinfo ({ origin, timeoutMs, ca, now, called, outage }: UserinfoOptions): Userinfo {
  const pool = new Pool(origin, {
    connections: MAX_CALLS,
    connect: { timeout: timeoutMs, ...authoritiesOf(ca) },
    maxResponseSize: MAX_BODY_BYTES
  })
  const breaker = createCircuitBreaker(MAX_CALLS, MAX_WAITING, outage, now)

  /** Makes a call again, once, without the client's own User-Agent, which a firewall may reset. */
  async function ask (token: string, trace: ClientTrace): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs)
    return await askOnce(headersOf(token, trace), signal).catch((error: unknown) => {
      if (!isLostConnection(error) || signal.aborted) throw error
      return askOnce(headersOf(token, { ...trace, userAgent: undefined }), signal)
    })
  }

  async function askOnce (headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    try {
      const { statusCode: status, body } = await pool.request({ method: 'GET', path: USERINFO, headers, signal })
      const answer = { status, body: await body.text() }
      if (status >= 500) throw new AuthgearStatus(status)
      return answer
    } catch (error) {
      throw isAborted(error) ? new AuthgearTimeout(timeoutMs) : classify(error, timeoutMs)
    }
  }

  return Object.freeze({
    async read (token: string, userId: UserId, trace: ClientTrace): Promise<Reading> {
      const waiting = new Deadline(timeoutMs)
      // a person is one whatever their tokens, and a network is one client
      const asker = { whole: [], all: [], client: clientIn(trace) ?? userId }
      const work = (): Promise<Answer> => {
        waiting.met()
        return ask(token, trace)
      }
      try {
        const answer = await breaker.run(asker, waiting, work, [{ name: userId, ...PER_USER }])
        const { outcome, reading } = readAnswer(answer, userId)
        called(outcome)
        return reading
      } catch (error) {
        const outcome = waiting.aborted ? 'rejected' : outcomeOf(error)
        called(outcome, error)
        if (outcome === 'rejected') return NOT_ASKED
        return outcome === 'too_large' || outcome === 'garbage' ? UNREADABLE : FAILED
      } finally {
        waiting.met()
      }
    },
    close: () => pool.destroy()
  })
}

/** Authgear shows the sender as the last access of the session: the person's own address and browser. */
function headersOf (token: string, { address, userAgent, traceparent }: ClientTrace): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    'user-agent': userAgent ?? 'authgear-forward-auth',
    ...address === undefined ? {} : { 'x-forwarded-for': address },
    ...traceparent === undefined ? {} : { traceparent }
  }
}

const isAborted = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError'

function outcomeOf (error: unknown): CallOutcome {
  if (error instanceof Overloaded || error instanceof AuthgearCircuitOpen) return 'rejected'
  if (error instanceof AuthgearTimeout) return 'timeout'
  if (error instanceof AuthgearStatus) return 'server'
  return error instanceof AuthgearUnreachable ? 'unreachable' : 'too_large'
}
