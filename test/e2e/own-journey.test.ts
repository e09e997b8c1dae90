import { BEHIND_TLS } from './journey.ts'
import { testOwnJourneys } from './own-journeys.ts'

for (const proxy of BEHIND_TLS) if (proxy.server === 'traefik') testOwnJourneys(proxy, 'all')
