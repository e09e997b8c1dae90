import { definePart } from '../../base/parts/part.ts'
import { findings } from './findings.ts'
import { METRICS } from './metrics.ts'
import { rules, warnings } from './rules.ts'
import { factsKnownBy, settingsOf, variables } from './variables.ts'

/** Attributes of users, for the headers of a 200 and for rules (docs/profile.md). */
export const profile = definePart({
  name: 'profile',
  title: 'Profile',
  variables,
  rules,
  warnings,
  example: { IDENTITY_PROFILE: 'email,name,username' },
  configure: settingsOf,
  claims: (settings) => ({
    // a user takes about as much as a session
    memoryShare: 0.2,
    remembersMs: settings.ttlMs,
    knowsFacts: factsKnownBy(settings),
    notes: settings.isLent ? [LENT] : []
  }),
  doctor: { findings, pasted: async (...given) => await (await import('./doctor.ts')).explainPasted(...given) },
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openProfile
})

const LENT =
  "without the Admin API profiles are read from userinfo, with people's own tokens: agents' tokens (RESOURCES) have " +
    'no profile, and a rule by address refuses them (docs/profile.md)'
