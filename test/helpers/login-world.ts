import type { Test } from 'tap'
import { LOGIN, type InProcessOptions } from './in-process.ts'
import { createPerson, type Hop, type Person, type Site } from './person.ts'
import { startSimulator, type RunningSimulator, type SimulatorOptions } from './simulator.ts'
import { makeTls } from './tls.ts'
import { startInProcessOver, type Answered, type Protocol, type InProcessOver } from './in-process-over.ts'
import { ask } from './request.ts'

export const AUTHGEAR = 'https://auth.example.com'
export const APP = 'https://app.example.com'
/** Another app, below example.com too, which people may be sent back to. */
export const OTHER = 'https://b.apps.example.com'

export interface LoginWorld {
  readonly authgear: RunningSimulator
  readonly verifier: InProcessOver
  /** A new browser. */
  person (): Person
  /** Chooses a user on Authgear's login page. */
  signIn (person: Person, page: Hop, user: string): Promise<readonly Hop[]>
}

export interface LoginWorldOptions {
  readonly protocol?: Protocol
  readonly simulator?: SimulatorOptions
  readonly adapter?: Partial<InProcessOptions>
}

/**
 * Authgear at auth.example.com, the proxy's routes at app.example.com and b.apps.example.com, each reached over https
 * as a browser sees it.
 */
export async function startLoginWorld (
  t: Test,
  { protocol = 'HTTP/1.1', simulator, adapter }: LoginWorldOptions = {}
): Promise<LoginWorld> {
  const authgear = await startSimulator(t, {
    cookieDomain: 'example.com',
    clients: [
      { id: LOGIN.LOGIN_CLIENT_ID, redirectUris: [`${APP}/_auth/callback`], postLogoutRedirectUris: [LOGIN.LOGOUT_REDIRECT_URI] }
    ],
    ...simulator
  })
  const verifier = await startInProcessOver(t, protocol, protocol === 'HTTP/2' ? makeTls(t) : undefined, {
    AUTHGEAR_ENDPOINT: AUTHGEAR, AUTHGEAR_RESOLVER_URL: `${authgear.url}/_resolver/resolve`, ...LOGIN, ...adapter
  })
  const sites = {
    'auth.example.com': authgearSite(authgear),
    'app.example.com': appSite(verifier, 'app.example.com', true),
    'b.apps.example.com': appSite(verifier, 'b.apps.example.com', false)
  }
  return {
    authgear,
    verifier,
    person: () => createPerson(sites),
    signIn: (person, page, user) => person.send(page.url, { user })
  }
}

function authgearSite ({ port }: RunningSimulator): Site {
  return async ({ method, path, headers, body }) =>
    ask(port, {
      method,
      path,
      host: 'auth.example.com',
      headers: [...Object.entries(headers), ['X-Forwarded-Proto', 'https'], ['X-Forwarded-Host', 'auth.example.com']],
      body
    })
}

const RULES = [['/secret', 'max_age=60'], ['/admin', 'role=admin']] as const

/** As a proxy does: the login's routes on one host alone; everything else is asked about first. */
function appSite (verifier: InProcessOver, host: string, hasLogin: boolean): Site {
  return async ({ method, path, headers }): Promise<Answered> => {
    const vouched = {
      ...headers,
      'x-forwarded-host': host,
      'x-forwarded-proto': 'https',
      'x-forwarded-uri': path,
      'x-forwarded-method': method
    }
    if (hasLogin && path.startsWith('/_auth/')) return await verifier.ask({ method, path, headers: vouched })
    const [, rule = ''] = RULES.find(([prefix]) => path.startsWith(prefix)) ?? []
    const verdict = await verifier.ask({ path: `/verify?${rule}`, headers: vouched })
    return verdict.status === 200
      ? {
          status: 200,
          headers: {},
          body: `the app at ${host}${path} for ${String(verdict.headers['x-authgear-user-id'])}`
        }
      : verdict
  }
}
