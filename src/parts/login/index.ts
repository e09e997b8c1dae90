import { definePart } from '../../base/parts/part.ts'
import { checks } from './checks.ts'
import { findings } from './findings.ts'
import { hostProblems } from './hosts.ts'
import { metricsOf } from './metrics.ts'
import { reachesEachHost, rules } from './rules.ts'
import { settingsOf, variables } from './variables.ts'

/** A record of a session takes some 2 KiB, and what is resolved of it a third of that. */
const SESSIONS_SHARE = 0.6

/** People sign in at Authgear, and come back with its session or one of this service (docs/login.md). */
export const login = definePart({
  name: 'login',
  title: 'Login',
  variables,
  rules,
  warnings: [reachesEachHost],
  example: {
    LOGIN_CLIENT_ID: 'a1b2c3d4e5f60718',
    LOGIN_SESSION: 'own',
    LOGIN_PUBLIC_URL: 'https://app.example.com',
    LOGIN_SECRET: 's'.repeat(32)
  },
  configure: settingsOf,
  claims: ({ login }) => login?.own === undefined
    ? { signsIn: login !== undefined }
    : {
        signsIn: true,
        restShare: SESSIONS_SHARE,
        keepsInRedis: 'sessions of LOGIN_SESSION=own',
        hidesCookies: 'LOGIN_SESSION is own',
        notes: [STEP_UP]
      },
  doctor: { findings, checks, hostProblems },
  metrics: metricsOf,
  load: async () => (await import('./open.ts')).openLogin
})

const STEP_UP =
  'with LOGIN_SESSION=own a route with `max_age=…` in its policy asks people to confirm who they are. That needs a ' +
    'client of the type single-page or traditional web application; for any other, step-up is off, and `doctor` says ' +
    'so (docs/login.md)'
