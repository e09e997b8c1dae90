import { testJourneys } from './browsing.ts'
import { BEHIND_TLS } from './journey.ts'
import { OWN_JOURNEYS } from './own-journeys.ts'

for (const proxy of BEHIND_TLS) testJourneys(OWN_JOURNEYS, 'own', proxy)
