import { testJourneys } from './browsing.ts'
import { BEHIND_TLS } from './journey.ts'
import { JOURNEYS } from './journeys.ts'

for (const proxy of BEHIND_TLS) testJourneys(JOURNEYS, 'authgear', proxy, proxy.server === 'traefik' ? 'all' : 'first')
