import type { CredentialContext } from '../authenticate/types.ts'
import type { WaitingBudget } from '../authenticate/waiting-budget.ts'
import { factsIn, type Policy } from '../core/policy.ts'
import { type Facts, SOURCE_OF } from '../core/requirement.ts'
import type { UserId } from '../core/resolution.ts'
import { ProfileUnknown } from '../errors.ts'
import type { KnownProfile } from '../identity/presenter.ts'
import type { FactSource } from '../identity/profile.ts'

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
  source: FactSource, userId: UserId | undefined, given: EarlierFindings, waiter: Waiter
): Facts | 'unknown' | Promise<EarlierFindings> {
  if (source === undefined || userId === undefined) return 'unknown'
  const facts = source.facts(userId, given.facts !== undefined)
  if (!(facts instanceof Promise)) return facts
  return waitWithin(waiter, facts, undefined).then(() => ({ ...given, facts: 'awaited' }))
}

/**
 * Reads again the facts that refuse the user: an address that was just proved, and a group just joined, change the
 * answer. @returns undefined where they are new enough; else judge again with what it brings
 */
export function confirmFacts (
  source: FactSource, userId: UserId | undefined, given: EarlierFindings, maxAgeMs: number, waiter: Waiter
): Promise<EarlierFindings> | undefined {
  if (userId === undefined || given.facts === 'confirmed') return undefined
  const read = source?.confirm(userId, maxAgeMs)
  return read && waitWithin(waiter, read, undefined).then(() => ({ ...given, facts: 'confirmed' }))
}

/** @returns the policy; one that asks for what nobody knows here is bad, and lets nobody in */
export function withKnownFacts (policy: Policy, source: FactSource): Policy {
  if (policy.kind === 'bad') return policy
  const missing = factsIn(policy).find((name) => source?.knows.includes(name) !== true)
  return missing === undefined ? policy : MISSING[missing]
}

const bad = (why: string): Policy => Object.freeze({ kind: 'bad', why })
const MISSING = {
  email: bad(`email= and email_domain= need ${SOURCE_OF.email}`), groups: bad(`group= needs ${SOURCE_OF.groups}`)
} as const

export const PROFILE_UNKNOWN = new ProfileUnknown()
