import type { Test } from 'tap'
import { LOGIN, type InProcessOptions } from './in-process.ts'
import { createPerson, type Hop, type Person, type Site } from './person.ts'
import { startSimulator, type RunningSimulator, type SimulatorOptions } from './simulator.ts'
import { startInProcessOver, type Answered, type InProcessOver } from './in-process-over.ts'
import { ask } from './request.ts'

export const APP = 'https://app.example.com'
export const WIKI = 'https://wiki.other.org'
export const LOCAL = 'http://localhost:8080'
const ORIGINS = [APP, WIKI, LOCAL]

export interface OwnWorld {
  readonly authgear: RunningSimulator
  /** Replicas; a proxy asks the one that `at` names, or the first. */
  readonly replicas: readonly InProcessOver[]
  /** A new browser. @param replica that its proxy asks, by a function, since it may change */
  person (replica?: () => number): Person
  /** Chooses a user on Authgear's login page. */
  signIn (person: Person, page: Hop, user: string): Promise<readonly Hop[]>
  /** Signed in at that page, by Authgear's login page. */
  signedIn (user?: string, url?: string, replica?: () => number): Promise<Person>
}

export interface OwnWorldOptions {
  readonly simulator?: SimulatorOptions
  readonly adapter?: Partial<InProcessOptions>
  /** How many, beside each other on one Redis. */
  readonly replicas?: number
  readonly client?: object
}

/** Two apps on two domains that have nothing to do with Authgear's, and one on this machine. */
export async function startOwnWorld (
  t: Test,
  { simulator, adapter, replicas: count = 1, client }: OwnWorldOptions = {}
): Promise<OwnWorld> {
  const authgear = await startSimulator(t, {
    clients: [{
      id: LOGIN.LOGIN_CLIENT_ID,
      redirectUris: ORIGINS.map((origin) => `${origin}/_auth/callback`),
      postLogoutRedirectUris: ORIGINS.map((origin) => `${origin}/_auth/logged-out`),
      ...client
    }],
    ...simulator
  })
  const replicas: InProcessOver[] = []
  for (let i = 0; i < count; i++) {
    replicas.push(await startInProcessOver(t, 'HTTP/1.1', undefined, ownOptions(authgear, adapter)))
  }
  const authgearHost = new URL(authgear.url).host
  const sitesOf = (replica: () => number): Readonly<Record<string, Site>> => ({
    [authgearHost]: authgearSite(authgear, authgearHost),
    ...Object.fromEntries(ORIGINS.map((origin) =>
      [new URL(origin).host, appSite(() => replicas[replica()] as InProcessOver, new URL(origin).host)]))
  })
  const person: OwnWorld['person'] = (replica = () => 0) => createPerson(sitesOf(replica))
  const signIn: OwnWorld['signIn'] = (someone, page, user) => someone.send(page.url, { user })
  return {
    authgear,
    replicas,
    person,
    signIn,
    async signedIn (user = 'alice', url = `${APP}/`, replica = () => 0) {
      const someone = person(replica)
      await signIn(someone, await lastOf(someone.open(url)), user)
      return someone
    }
  }
}

export function ownOptions ({ url }: RunningSimulator, adapter: Partial<InProcessOptions> = {}): InProcessOptions {
  const { LOGIN_CLIENT_ID, LOGIN_SECRET } = LOGIN
  return {
    AUTHGEAR_ENDPOINT: url,
    LOGIN_CLIENT_ID,
    LOGIN_SECRET,
    LOGIN_SESSION: 'own',
    LOGIN_PUBLIC_URL: ORIGINS.join(','),
    ...adapter
  }
}

async function lastOf (hops: Promise<readonly Hop[]>): Promise<Hop> {
  const hop = (await hops).at(-1)
  if (hop === undefined) throw new Error('nothing was asked')
  return hop
}

function authgearSite ({ port }: RunningSimulator, host: string): Site {
  return async ({ method, path, headers, body }) =>
    ask(port, { method, path, host, headers: Object.entries(headers), body })
}

const RULES = [['/secret', 'max_age=60'], ['/admin', 'role=admin']] as const
export const CLIENT_ADDRESS = '192.0.2.7'

/** As a proxy does: the login's routes go to the service; everything else is asked about first. */
function appSite (verifier: () => InProcessOver, host: string): Site {
  return async ({ method, path, headers }): Promise<Answered> => {
    const vouched = {
      'x-forwarded-for': CLIENT_ADDRESS,
      ...headers,
      'x-forwarded-host': host,
      'x-forwarded-uri': path,
      'x-forwarded-method': method
    }
    if (path.startsWith('/_auth/')) return await verifier().ask({ method, path, headers: vouched })
    const [, rule = ''] = RULES.find(([prefix]) => path.startsWith(prefix)) ?? []
    const verdict = await verifier().ask({ path: `/verify?${rule}`, headers: vouched })
    return verdict.status === 200
      ? {
          status: 200,
          headers: verdict.headers,
          body: `the app at ${host}${path} for ${String(verdict.headers['x-authgear-user-id'])}`
        }
      : verdict
  }
}
