import type { CredentialContext } from '../authenticate/types.ts'
import type { WaitingBudget } from '../authenticate/waiting-budget.ts'
import { factsIn, type Policy } from '../core/policy.ts'
import { type FactName, type Facts, SOURCE_OF } from '../core/requirement.ts'
import { ProfileUnknown } from '../errors.ts'
import type { KnownProfile } from '../identity/presenter.ts'
import type { Asker, FactSource } from '../identity/profile.ts'

/** The findings of an earlier judgement of the same request. */
export type EarlierFindings = Readonly<{
  isConfirmed?: true
  profile?: KnownProfile
  /** `awaited`: a request waits for them once. `confirmed`: they were read again as well. */
  facts?: 'awaited' | 'confirmed'
}>

/** A request that may wait. */
export type Waiter = Readonly<{ waiting: WaitingBudget, subject: Pick<CredentialContext, 'headBytes'> }>

/**
 * Waits within the budget of all requests that wait for a profile. Beyond it the wait is over at once, as one in vain:
 * facts that decide are unknown, and a header is empty.
 */
export async function waitWithin<T> ({ waiting, subject }: Waiter, wait: Promise<T>, inVain: T): Promise<T> {
  const bytes = waiting.take(subject.headBytes())
  return bytes === undefined ? inVain : await wait.finally(() => waiting.giveBack(bytes))
}

/** The facts about the user; a promise where they have to be waited for: judge again with what it brings. */
export function factsOf (
  source: FactSource, asker: Asker | undefined, given: EarlierFindings, waiter: Waiter
): Facts | 'unknown' | Promise<EarlierFindings> {
  if (source === undefined || asker === undefined) return 'unknown'
  const facts = source.facts(asker, given.facts !== undefined)
  if (!(facts instanceof Promise)) return facts
  return waitWithin(waiter, facts, undefined).then(() => ({ ...given, facts: 'awaited' }))
}

/**
 * Reads again the facts that refuse the user: an address that was just proved, and a group just joined, change the
 * answer. @returns undefined where they are new enough; else judge again with what it brings
 */
export function confirmFacts (
  source: FactSource, asker: Asker | undefined, given: EarlierFindings, maxAgeMs: number, waiter: Waiter
): Promise<EarlierFindings> | undefined {
  if (asker === undefined || given.facts === 'confirmed') return undefined
  const read = source?.confirm(asker, maxAgeMs)
  return read && waitWithin(waiter, read, undefined).then(() => ({ ...given, facts: 'confirmed' }))
}

/** @returns the policy; one that asks for what nobody knows here is bad, and lets nobody in */
export function withKnownFacts (policy: Policy, source: FactSource): Policy {
  const missing = lacking(policy, source?.knows)
  return missing === undefined ? policy : MISSING[missing]
}

/** The same for resource tokens. */
export function withFactsOfTokens (policy: Policy, source: FactSource): Policy {
  const known = withKnownFacts(policy, source)
  return lacking(known, source?.knowsOfTokens) === undefined ? known : NOT_OF_TOKENS
}

const lacking = (policy: Policy, known: readonly FactName[] = []): FactName | undefined =>
  policy.kind === 'bad' ? undefined : factsIn(policy).find((name) => !known.includes(name))

const bad = (why: string): Policy => Object.freeze({ kind: 'bad', why })
const MISSING = {
  email: bad(`email= and email_domain= need ${SOURCE_OF.email}`), groups: bad(`group= needs ${SOURCE_OF.groups}`)
} as const

const NOT_OF_TOKENS =
  bad('email= and email_domain= are not known of resource tokens without AUTHGEAR_ADMIN_API_URL')

export const PROFILE_UNKNOWN = new ProfileUnknown()
