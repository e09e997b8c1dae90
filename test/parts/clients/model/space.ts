import type { Space } from '../../../model/search.ts'
import { next } from './next.ts'
import type { Rule, World } from './rules.ts'
import { initial, keyOf, type State } from './state.ts'
import { withLoss, wrong } from './word.ts'

/** `without` is the rule that is broken there. */
export function spaceOf (world: World, without?: Rule): Space<State> {
  const rules = { world, without }
  return {
    first: initial(world.replicas, world.left),
    next: (state) => next(state, rules).map(([label, after]) => [label, withLoss(after)]),
    keyOf,
    wrong: (before, after) => wrong(before, after, after.left.whiles < before.left.whiles)
  }
}
