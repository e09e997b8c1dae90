import type { Space } from '../../../model/search.ts'
import { withLoss, wrong } from './app.ts'
import { initial, next } from './next.ts'
import type { Rule, World } from './rules.ts'
import { keyOf, type State } from './state.ts'

/** An app at replicas that tell it with the real feed and readers; `without` is the rule that is broken there. */
export function spaceOf (world: World, without?: Rule): Space<State> {
  const rules = { world, without }
  return {
    first: initial(rules),
    next: (state) => next(state, rules).map(([label, after]) => [label, withLoss(after)]),
    keyOf,
    wrong: (_, after) => wrong(after)
  }
}
