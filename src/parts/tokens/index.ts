import { definePart } from '../../base/parts/part.ts'
import { checkMetadata, findings } from './doctor.ts'
import { checkMcp } from './mcp/check.ts'
import { METRICS } from './metrics.ts'
import { notesOf } from './notes.ts'
import { status } from './status.ts'
import { areElsewhere, idleClients, settingsOf, variables } from './variables.ts'

/** Tokens of machines and agents for the resources of this deployment (docs/resource-tokens.md). */
export const tokens = definePart({
  name: 'tokens',
  title: 'Resources',
  variables,
  rules: [areElsewhere],
  warnings: [idleClients],
  example: { RESOURCES: 'https://api.example.com' },
  configure: settingsOf,
  claims: (settings) => ({
    memoryShare: 0.1, tokenMaxAgeMs: settings.maxAgeMs, isTimed: true, notes: notesOf(settings)
  }),
  doctor: {
    findings,
    checks: [
      { title: 'clients find what they read to get a token', off: 'RESOURCES is not set', run: checkMetadata },
      { title: 'clients of the MCP server learn where to sign in', off: 'RESOURCES is not set', run: checkMcp }
    ],
    pasted: async (...given) => await (await import('./explain.ts')).explainPasted(...given)
  },
  status,
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openTokens
})
