import { BEHIND_TLS } from './journey.ts'
import { testJourneys } from './journeys.ts'

for (const proxy of BEHIND_TLS) testJourneys(proxy, proxy.server === 'traefik' ? 'all' : 'first')
