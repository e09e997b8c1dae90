import { createSampledLine } from '../../base/http/access-log.ts'
import type { PageMaker } from '../../base/http/pages.ts'
import type { Handler, HandlerDeps } from '../../base/http/types.ts'
import type { Log } from '../../base/logging/log.ts'
import type { Feature, OwnCredentials, SignIn } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import { createSignOuts, SIGNING_OUT_MS } from './sessions/sign-out-budget.ts'
import type { Counts } from './metrics.ts'
import { openOwnSessions, type OwnSessionsGiven } from './open-own.ts'
import type { Lost } from './flow/redirect.ts'
import { createLoginRoutes, createOwnLoginRoutes } from './flow/routes.ts'
import type { LoginSettings, SignInSettings } from './variables.ts'

export type LoginGiven = Given & OwnSessionsGiven

type SignInDeps = Readonly<{
  handlerDeps: HandlerDeps
  revocations: RevocationLog
  pages: PageMaker
  /** The same handler, which makes a span of each request where traces are on. */
  traced: (handler: Handler) => Handler
}>

type Login = Feature & Readonly<{
  /** Instead of Authgear's cookies. */
  sessions?: OwnCredentials
  signIn: (deps: SignInDeps) => SignIn
  gauges: Readonly<{ sessions: () => number }>
}>

export function openLogin ({ login, loginUrl }: SignInSettings, given: LoginGiven, count: Counts): Login {
  if (login === undefined) return elsewhere(loginUrl)
  return login.own === undefined ? withAuthgear(login, given) : withOwnSessions(login, login.own, given, count)
}

const NO_GAUGES = { sessions: () => 0 }

/** Nobody is sent to the app's own login: pages link to it, and it has to see to a change of users itself. */
const elsewhere = (url: string | undefined): Login => ({
  signIn: () => ({ routes: [], links: { signIn: url, changeUser: url }, findLoginRedirect: undefined }),
  gauges: NO_GAUGES
})

function withAuthgear (login: LoginSettings, { clock, log, digestForm, ttlMs, authgear: { issuer } }: Given): Login {
  const { publicUrl, path } = login
  const base = `${publicUrl}${path}`
  // the next sign-in after a sign-out may be with another account
  const links = { signIn: `${base}/login`, changeUser: `${base}/logout?rd=${publicUrl}/` }
  return {
    signIn ({ handlerDeps, revocations, ...deps }) {
      const signOuts = createSignOuts({ revocations, clock, quietMs: ttlMs + SIGNING_OUT_MS })
      const lost = tellLost(log, NOT_ALLOWED)
      return {
        ...createLoginRoutes(login, {
          ...handlerDeps, ...deps, signOuts, digestForm, clock, lost, issuer, stepped: () => {}
        }),
        links
      }
    },
    gauges: NO_GAUGES
  }
}

function withOwnSessions (
  login: LoginSettings, own: NonNullable<LoginSettings['own']>, given: LoginGiven, count: Counts
): Login {
  const { clock, log } = given
  const { path } = login
  // each host has a login of its own; where there is one host, its first page is the way back
  const [only, ...others] = own.origins
  const query = only === undefined || others.length > 0 ? '' : `?rd=${only}/`
  const links = { signIn: `${path}/login`, changeUser: `${path}/logout${query}` }
  const sessions = openOwnSessions(login, own, { ...given, count })
  return {
    sessions,
    signIn ({ handlerDeps, pages, traced }) {
      const lost = tellLost(log, NO_ORIGIN)
      return {
        ...createOwnLoginRoutes(login, { ...handlerDeps, ...sessions.login, clock, lost, pages, traced }),
        links
      }
    },
    mayHaveLost: sessions.mayHaveLost,
    close: sessions.close,
    gauges: { sessions: sessions.size }
  }
}

const NOT_ALLOWED = 'a login cannot return to this host: add it to LOGIN_PUBLIC_URL or LOGIN_ALLOWED_HOSTS'
const NO_ORIGIN =
  'nobody can sign in at this host: add it to LOGIN_PUBLIC_URL, and register its two URLs in the portal'

/** @param ofHost the line about a host that is not named */
function tellLost (log: Log, ofHost: string): (lost: Lost) => void {
  const proxy = createSampledLine(
    log, 'warn', 'a login cannot return to the page: add this proxy to TRUSTED_PROXIES'
  )
  const host = createSampledLine(log, 'warn', ofHost)
  return (lost) => lost.why === 'proxy' ? proxy({ address: lost.address }) : host({ host: lost.host })
}
