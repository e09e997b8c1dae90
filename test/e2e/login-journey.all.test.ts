import { BEHIND_TLS } from './journey.ts'
import { testJourneys } from './journeys.ts'

for (const proxy of BEHIND_TLS) if (proxy.server !== 'traefik') testJourneys(proxy, 'others')
