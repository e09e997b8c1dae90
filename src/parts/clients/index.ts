import { definePart } from '../../base/parts/part.ts'
import { checkBlocks, findings } from './doctor.ts'
import { METRICS } from './metrics.ts'
import { looksLikeHost, variables } from './variables.ts'

/** Clients whose resource tokens are refused, and the list of those that asked (docs/resource-tokens.md). */
export const clients = definePart({
  name: 'clients',
  title: 'Clients',
  variables,
  warnings: [looksLikeHost],
  example: { RESOURCES: 'https://api.example.com', CLIENTS_BLOCKED: 'dcrc_0123456789' },
  needs: 'RESOURCES',
  configure: ({ blocked = [] }) => ({ blocked }),
  claims: () => ({ keepsInRedis: 'blocks of clients' }),
  doctor: {
    findings,
    checks: [{
      title: 'blocked clients are known, and have stopped',
      off: 'RESOURCES is not set',
      needs: 'redis',
      run: checkBlocks
    }]
  },
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openClients
})
