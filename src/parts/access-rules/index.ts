import { definePart } from '../../base/parts/part.ts'
import { factsIn, type Rules } from '../../base/core/policy.ts'
import { variables } from './variables.ts'

/** Who may enter: requirements on every person, on every endpoint (docs/policies.md, "Who may enter"). */
export const accessRules = definePart({
  name: 'access-rules',
  title: 'Access rules',
  variables,
  example: { ALLOW: 'role=staff' },
  configure: ({ rules }) => rules && { rules },
  claims: ({ rules }) => ({
    saysWhoEnters: rules.requirements.length === 0 || restricts(rules),
    asksFacts: { variable: 'ALLOW', facts: factsIn(rules) }
  }),
  metrics: () => ({}),
  load: async () => (await import('./open.ts')).openAccessRules
})

/** True if it keeps out a user who merely registered. */
function restricts ({ requirements }: Rules): boolean {
  return requirements.some((one) => one.kind === 'fact' || (one.kind === 'person' && one.restricts === true))
}
