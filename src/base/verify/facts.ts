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
  areFactsAwaited?: boolean
  areFactsConfirmed?: true
}>

/** The facts about the user; a promise where they have to be waited for. */
export const factsOf = (
  source: FactSource, userId: UserId | undefined, isAwaited: boolean
): Facts | 'unknown' | Promise<void> =>
  source === undefined || userId === undefined ? 'unknown' : source.facts(userId, isAwaited)

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
