import { Agent } from 'node:http'
import type { Test } from 'tap'
import type { OAuthClient } from '../../deploy/demo/authgear-simulator/server.mjs'
import { LOGIN, redisAt, startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'
import { startAuthgearRelay, type AuthgearRelay } from './authgear-relay.ts'
import { createPerson, last, type Hop, type Person, type Site } from './person.ts'
import type { RedisServer } from './redis.ts'
import { ask, type Answer, type HeaderLine } from './request.ts'
import { demo, startSimulator, type RunningSimulator, type SimulatorOptions } from './simulator.ts'

export const APP = 'https://app.example.com'
/** Of another domain. */
export const WIKI = 'https://wiki.other.test'
export const LOCAL = 'http://localhost:8080'
const ORIGINS = [APP, WIKI, LOCAL] as const
export const CLIENT = LOGIN.LOGIN_CLIENT_ID

/** The cookie of a session of our own, by the origin's scheme. */
export const cookieName = (origin: string): string =>
  origin.startsWith('https:') ? '__Host-forward-auth' : 'forward-auth'

export interface OwnWorld {
  readonly authgear: RunningSimulator
  /** What the service takes for Authgear. */
  readonly relay: AuthgearRelay
  readonly clock: ManualClock
  readonly replicas: readonly InProcess[]
  /** One more, with the same Redis and clock. */
  start (more?: Partial<InProcessOptions>): Promise<InProcess>
  /** The variables of such a replica. */
  readonly environment: InProcessOptions
  /** A new browser; its requests go to this replica. */
  person (replica?: () => InProcess): Person
  /** Opens a page, and chooses a user where Authgear asks. */
  signIn (person: Person, url: string, user?: string): Promise<readonly Hop[]>
  /** A proxy's question about a program's request. */
  verify (asked: Question, replica?: InProcess): Promise<Answer>
  /** The user that a browser's request is let in as; else the status and why not. */
  who (person: Person, origin?: string, replica?: InProcess): Promise<string>
  /** The same for a cookie's value alone, wherever it is from. */
  byCookie (value: string, origin?: string, replica?: InProcess): Promise<string>
}

interface Question {
  readonly origin?: string
  readonly cookie?: string
  readonly headers?: readonly HeaderLine[]
  /** Path and query. */
  readonly path?: string
}

export interface OwnWorldOptions {
  readonly replicas?: number
  readonly redis?: RedisServer
  readonly simulator?: SimulatorOptions
  readonly client?: Partial<OAuthClient>
  readonly otherClients?: readonly OAuthClient[]
  readonly adapter?: Partial<InProcessOptions>
}

const clientOf = (id: string, more: Partial<OAuthClient> = {}): OAuthClient => ({
  id,
  redirectUris: ORIGINS.map((origin) => `${origin}/_auth/callback`),
  postLogoutRedirectUris: ORIGINS.map((origin) => `${origin}/_auth/logged-out`),
  ...more
})

/** Another app of the same project, with the same addresses. */
export const otherClient = (more: Partial<OAuthClient> = {}): OAuthClient => clientOf('other', more)

/** Authgear on a domain that shares nothing with the apps; a session of our own on each of these. */
export async function startOwnWorld (t: Test, options: OwnWorldOptions = {}): Promise<OwnWorld> {
  // near the machine's own time: what a library reads for itself is not far off
  const clock = manualClock(Date.now())
  const authgear = await startSimulator(t, {
    now: clock.wall,
    clients: [clientOf(CLIENT, options.client), ...options.otherClients ?? []],
    ...options.simulator
  })
  const relay = await startAuthgearRelay(t, () => authgear.port)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const { redis } = options
  const environment: InProcessOptions = {
    AUTHGEAR_ENDPOINT: relay.url,
    ...LOGIN,
    LOGIN_ALLOWED_HOSTS: undefined,
    LOGOUT_REDIRECT_URI: undefined,
    LOGIN_SESSION: 'own',
    LOGIN_PUBLIC_URL: ORIGINS.join(','),
    ...(redis === undefined ? {} : redisAt(redis.port)),
    clock,
    ...options.adapter
  }
  const start: OwnWorld['start'] = (more) => startInProcess(t, { ...environment, ...more })
  const replicas: InProcess[] = []
  for (let i = 0; i < (options.replicas ?? 1); i++) replicas.push(await start({ machine: `replica-${i + 1}` }))
  const first = (): InProcess => replicas[0] as InProcess
  const verify = ({ origin = APP, cookie, headers = [], path = '/verify' }: Question, replica = first()) =>
    ask(replica.port, {
      agent, path, host: 'forward-auth:4180', headers: [...forwarding(headers, origin, '/'), ...cookieLines(cookie)]
    })
  const userOf = async (question: Question, replica: InProcess): Promise<string> =>
    whoIn(await verify(question, replica))
  return {
    authgear,
    relay,
    clock,
    replicas,
    environment,
    start,
    person: (replica = first) => createPerson(sitesOf(authgear, relay, agent, replica)),
    async signIn (person, url, user = 'alice') {
      const hops = await person.open(url)
      const { url: at } = last(hops)
      return at.startsWith(`${relay.url}/login-page`) ? [...hops, ...await person.send(at, { user })] : hops
    },
    verify,
    who: (person, origin = APP, replica = first()) =>
      userOf({ origin, cookie: person.cookies(new URL(origin).host) }, replica),
    byCookie: (value, origin = APP, replica = first()) =>
      userOf({ origin, cookie: `${cookieName(origin)}=${value}` }, replica)
  }
}

/** A new browser of somebody who is signed in at that origin. */
export async function signedIn (world: OwnWorld, user = 'alice', origin = APP): Promise<Person> {
  const person = world.person()
  await world.signIn(person, `${origin}/`, user)
  return person
}

const NAMES = Object.fromEntries(Object.entries(demo).map(([name, { id }]) => [id, name]))

/** `alice`, or `401 no_credentials`. */
export function whoIn ({ status, headers }: Pick<Answer, 'status' | 'headers'>): string {
  const id = String(headers['x-authgear-user-id'] ?? '')
  return status === 200 ? NAMES[id] ?? `an unknown user ${id}` : `${status} ${String(headers['x-forward-auth-reason'])}`
}

const cookieLines = (cookie = ''): readonly HeaderLine[] => cookie === '' ? [] : [['Cookie', cookie]]

/** These lines, and what a proxy says of the request where they do not. */
function forwarding (own: readonly HeaderLine[], origin: string, uri: string, method = 'GET'): readonly HeaderLine[] {
  const { host, protocol } = new URL(origin)
  const names = new Set(own.map(([name]) => name.toLowerCase()))
  const said: readonly HeaderLine[] = [
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Proto', protocol.slice(0, -1)],
    ['X-Forwarded-Uri', uri],
    ['X-Forwarded-Method', method],
    ['X-Forwarded-For', '203.0.113.7']
  ]
  return [...own, ...said.filter(([name]) => !names.has(name.toLowerCase()))]
}

function sitesOf (
  authgear: RunningSimulator,
  relay: AuthgearRelay,
  agent: Agent,
  replica: () => InProcess
): Readonly<Record<string, Site>> {
  const ofAuthgear: Site = ({ method, path, headers, body }) =>
    ask(authgear.port, { agent, method, path, host: new URL(relay.url).host, headers: Object.entries(headers), body })
  const apps = ORIGINS.map((origin) => [new URL(origin).host, appSite(origin, agent, replica)] as const)
  return { [new URL(relay.url).host]: ofAuthgear, ...Object.fromEntries(apps) }
}

const RULES = [['/secret', 'max_age=60'], ['/admin', 'role=admin']] as const

/** As a proxy does: the login's routes lead to the service; everything else is asked about first. */
function appSite (origin: string, agent: Agent, replica: () => InProcess): Site {
  return async ({ method, path, headers }) => {
    const { host } = new URL(origin)
    const lines = forwarding(Object.entries(headers), origin, path, method)
    const { port } = replica()
    if (path.startsWith('/_auth/')) return ask(port, { agent, method, path, host, headers: lines })
    const [, rule = ''] = RULES.find(([prefix]) => path.startsWith(prefix)) ?? []
    const verdict = await ask(port, { agent, path: `/verify?${rule}`, host: 'forward-auth:4180', headers: lines })
    return verdict.status === 200 ? { ...verdict, body: `${path} for ${whoIn(verdict)}` } : verdict
  }
}

/** The value of the session's cookie that a browser has. */
export function sessionCookie (person: Person, origin = APP): string | undefined {
  const pairs = person.cookies(new URL(origin).host).split('; ')
  return pairs.find((pair) => pair.startsWith(`${cookieName(origin)}=`))?.slice(cookieName(origin).length + 1)
}

/** Cookies of a session that these answers set. */
export function sessionsSet (hops: readonly Hop[]): readonly string[] {
  return hops.flatMap(({ headers }) => [headers['set-cookie'] ?? []].flat())
    .filter((line) => /^(?:__Host-)?forward-auth=[^;]/.test(line))
}

export const parameterOf = ({ url }: Pick<Hop, 'url'>, name: string): string =>
  new URL(url).searchParams.get(name) ?? ''

export const isCallback = ({ url }: Pick<Hop, 'url'>): boolean => new URL(url).pathname === '/_auth/callback'

/** Sent on to the callback and not there yet. */
export const isOnTheWayBack = ({ url, headers }: Hop): boolean =>
  new URL(String(headers['location'] ?? ''), url).pathname === '/_auth/callback' && headers['location'] !== undefined
