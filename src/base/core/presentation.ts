import { joinPolicies, type Policy } from './policy.ts'
import type { IdentitySet } from './requirement.ts'

export { IDENTITY_SETS, type IdentitySet } from './requirement.ts'

/** A route that names two different ones gets none: its app sees nobody, even if a client wrote the second. */
export type Choice<T> = Readonly<{ kind: 'default' } | { kind: 'named', value: T } | { kind: 'contradiction' }>

/** The headers of a 200 beside Authgear's own, as the route chooses. */
export type Presentation = Readonly<{
  identity: Choice<IdentitySet>
  audience: Choice<string>
  /** The user that the app sees where a machine passes. */
  as: Choice<string>
}>

const DEFAULT = Object.freeze({ kind: 'default' })

export function presentationOf (policy: Policy): Presentation {
  if (policy.kind === 'bad') return { identity: DEFAULT, audience: DEFAULT, as: DEFAULT }
  const presents = policy.requirements.flatMap((one) => (one.kind === 'person' && one.presents) || [])
  return {
    identity: choiceOf(presents.flatMap(({ identity }) => identity ?? [])),
    audience: choiceOf(presents.flatMap(({ audience }) => audience ?? [])),
    as: choiceOf(policy.requirements.flatMap((one) => (one.kind === 'machine' && one.as) || []))
  }
}

/** @returns what people call what the policy guards; undefined where no name is given, or more than one */
export function nameOf (policy: Policy): string | undefined {
  if (policy.kind === 'bad') return undefined
  const name = choiceOf(policy.requirements.flatMap((one) => (one.kind === 'person' && one.presents?.name) || []))
  return name.kind === 'named' ? name.value.replaceAll('_', ' ') : undefined
}

/** @returns what the policy asks, without what it says of what goes out and of what machines may do */
export function withoutPresentation (policy: Policy): Policy {
  if (policy.kind === 'bad') return policy
  const requirements = policy.requirements
    .filter((one) => one.kind !== 'machine' && (one.kind !== 'person' || !one.presents))
  return requirements.length === policy.requirements.length
    ? policy
    : joinPolicies([{ kind: 'understood', requirements }])
}

function choiceOf<T> ([first, ...more]: readonly T[]): Choice<T> {
  if (first === undefined) return DEFAULT
  return more.every((value) => value === first) ? { kind: 'named', value: first } : { kind: 'contradiction' }
}
