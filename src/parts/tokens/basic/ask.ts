import { LRUCache } from 'lru-cache'
import { ResolverError, Overloaded, UnexpectedError } from '../../../base/errors.ts'
import { type Calls, createCalls } from './calls.ts'
import { HeldBack, TooManyExchanges, UnusableToken } from './errors.ts'
import type { Exchanged } from './exchange.ts'
import { goodOf } from './good.ts'
import type { Known } from './record.ts'
import type { Pair } from './sent.ts'
import type { Wanted } from './shared-budget.ts'
import type { PairKey, Told, Turn } from './store.ts'
import type { AskDeps, Found, Good } from './types.ts'

/** The pair of a request; `old`: a token of it that will not do. */
type Subject = Pick<Wanted, 'from'> & Readonly<{ pair: Pair, resource: string, key: PairKey, old: Good | undefined }>
type CallDeps = AskDeps & Readonly<{ calls: Calls }>
/** Never rejects. */
export type Ask = (subject: Subject) => Promise<Found>

const WRONG_MS = 3_600_000
/** The operator may be about to give the client that resource. */
const NO_RESOURCE_MS = 60_000
/** Authgear's bucket of a client has another call by then. */
const FAILED_MS = 12_000
/** How long a good pair comes before unknown ones, from its last token. */
const KNOWN_MS = 7 * 86_400_000
const MAX_PASSED = 1000

/** Asks Redis, and Authgear in this replica's turn. */
export function createAsk (given: AskDeps): Ask {
  const { store, clock, exchanged } = given
  const calls = createCalls(given.budget, clock)
  const deps = { ...given, calls }
  const passed = new LRUCache<string, true>({ max: MAX_PASSED })
  const ask: Ask = async (subject) => {
    const { key, old, from } = subject
    const read = await store.read(key)
    const isKnown = old !== undefined || read?.known.kind === 'good'
    try {
      const found = read && foundIn(deps, subject, read.known, read.remainingMs)
      if (found !== undefined) return found
      const wanted = { client: key.client, isKnown, from, hasPassed: passed.has(key.client) }
      if (calls.isHeld(wanted)) {
        exchanged('held')
        throw new HeldBack('clients that were never good have used up their calls of this minute')
      }
      const turn = await store.contend(key, (known) => foundIn(deps, subject, known, 1) !== undefined)
      if (turn.kind === 'ask') return await askAuthgear(deps, subject, wanted, turn)
      const other = foundIn(deps, subject, turn.known, turn.remainingMs)
      if (other === undefined) throw new Overloaded()
      return other
    } catch (cause) {
      const error = cause instanceof ResolverError ? cause : new UnexpectedError(cause)
      const isKept = isKnown || !(error instanceof HeldBack)
      return { kind: 'unavailable', error, until: clock.monotonic() + FAILED_MS, isKept }
    }
  }
  return async (subject) => {
    const found = await ask(subject)
    if (found.kind === 'good') passed.set(subject.key.client, true)
    return found
  }
}

/** @returns undefined for a token that has ended or is no newer than the old one */
function foundIn (
  deps: AskDeps, { pair, resource, old }: Subject, known: Known, remainingMs: number
): Found | undefined {
  if (known.kind === 'refused') {
    return { kind: 'refused', why: known.why, until: deps.clock.monotonic() + remainingMs }
  }
  const good = goodOf(deps, known.token, pair, resource)
  return typeof good === 'string' || (old !== undefined && good.issuedAt <= old.issuedAt) ? undefined : good
}

async function askAuthgear (
  deps: CallDeps, subject: Subject, wanted: Wanted, { done }: Turn & { kind: 'ask' }
): Promise<Found> {
  let told: Told | undefined
  try {
    const answer = await exchange(deps, subject, wanted)
    if (answer.kind === 'refused') {
      const { of, why } = answer
      const lifeMs = of === 'pair' ? WRONG_MS : NO_RESOURCE_MS
      told = { known: { kind: 'refused', why }, lifeMs }
      return { kind: 'refused', why, until: deps.clock.monotonic() + lifeMs }
    }
    const good = goodOf(deps, answer.token, subject.pair, subject.resource)
    if (typeof good === 'string') throw new UnusableToken(good)
    told = { known: { kind: 'good', token: answer.token }, lifeMs: KNOWN_MS }
    return good
  } finally {
    await done(told)
  }
}

async function exchange (deps: CallDeps, subject: Subject, wanted: Wanted): Promise<Exchanged> {
  const answer = await deps.calls.make(wanted, () => call(deps, subject, wanted))
  if (answer !== undefined) return answer
  deps.exchanged('held')
  throw new HeldBack('the calls of this minute are used up')
}

async function call (
  { issuer, budget, exchanged }: AskDeps, { pair, resource }: Subject, wanted: Wanted
): Promise<Exchanged> {
  try {
    const answer = await issuer.exchange(pair, resource)
    budget.taken()
    exchanged(answer.kind === 'token' ? 'ok' : 'refused')
    if (answer.kind === 'token' && !wanted.isKnown) await budget.passed(wanted)
    return answer
  } catch (error) {
    if (error instanceof TooManyExchanges) budget.limited()
    exchanged(error instanceof TooManyExchanges ? 'limited' : 'error', error)
    throw error
  }
}
