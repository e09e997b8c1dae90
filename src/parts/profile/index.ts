import { definePart } from '../../base/parts/part.ts'
import { METRICS } from './metrics.ts'
import { rules, warnings } from './rules.ts'
import { factsKnownBy, settingsOf, variables } from './variables.ts'

/** Attributes of users from Authgear's Admin API, for the headers of a 200 (docs/profile.md). */
export const profile = definePart({
  name: 'profile',
  title: 'Profile',
  variables,
  rules,
  warnings,
  example: { IDENTITY_PROFILE: 'email,name,username' },
  // a user takes about as much as a session
  memoryShare: 0.2,
  configure: settingsOf,
  remembersMs: ({ ttlMs }) => ttlMs,
  knowsFacts: factsKnownBy,
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openProfile
})
