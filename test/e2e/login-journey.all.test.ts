import { testJourneys } from './browsing.ts'
import { BEHIND_TLS } from './journey.ts'
import { JOURNEYS } from './journeys.ts'

for (const proxy of BEHIND_TLS) if (proxy.server !== 'traefik') testJourneys(JOURNEYS, 'authgear', proxy)
