import { definePart } from '../../base/parts/part.ts'
import { findings, judgeArrived } from './doctor.ts'
import { METRICS } from './metrics.ts'
import { rules, warnings } from './rules.ts'
import { ASSERTION_HEADER } from './types.ts'
import { settingsOf, variables } from './variables.ts'

/** A signed JWT on each 200, so that an app need not trust its network (docs/assertion.md). */
export const assertion = definePart({
  name: 'assertion',
  title: 'Assertion',
  variables,
  rules,
  warnings,
  example: { ASSERTION: 'on', ASSERTION_ISSUER: 'https://auth.example.com' },
  configure: settingsOf,
  sends: {
    flag: 'assertion', usage: 'also X-Forward-Auth-Assertion', names: [ASSERTION_HEADER], token: ASSERTION_HEADER
  },
  claims: () => ({ isTimed: true }),
  doctor: { findings, arrived: judgeArrived },
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openAssertion
})
