import type { Understood } from '../../base/core/policy.ts'
import type { TokenNeeds } from './policy.ts'

/** What a route offers to machines: that they send client id and secret, and which user the app sees then. */
type Offer = Readonly<{ isMade: boolean, isBasic: boolean, users: readonly string[] }>

export function offerOf ({ requirements }: Understood): Offer {
  const all = requirements.filter((one) => one.kind === 'machine')
  const users = [...new Set(all.flatMap((one) => one.as ?? []))]
  return { isMade: all.length > 0, isBasic: all.some((one) => one.basic === true), users }
}

/** @returns why the route cannot offer that, and what to do */
export function problemOf (
  { resources }: TokenNeeds, { isBasic, users }: Offer, endpoint: 'tokens' | 'tokens or sessions'
): string | undefined {
  if (endpoint !== 'tokens') return 'basic= and as= are for machines alone: ask /resource for them'
  if (!isBasic) return 'as= has no effect without basic=on: add it, or leave as= out'
  if (users.length > 1) return 'as= has two values: leave one'
  return resources.length === 1 ? undefined : 'basic=on needs one resource=URI: the token of a machine is for one'
}
