import type { Test } from 'tap'
import { LOGIN, MANAGEMENT_TOKEN, type InProcessOptions } from './in-process.ts'
import { startManagement } from './management.ts'
import { createPerson, type Hop, type Person, type Site } from './person.ts'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { parseObject } from '../../src/core/json.ts'
import type { RunningSimulator, SimulatorOptions } from './simulator.ts'
import { until } from './until.ts'
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
  /** The same, whose proxy asks that replica. */
  personAt (replica: InProcessOver): Person
  /** `POST /revocations` of the first replica. */
  revoke (what: object): Promise<Readonly<{ status: number }>>
  /** Chooses a user on Authgear's login page. */
  signIn (person: Person, page: Hop, user: string): Promise<readonly Hop[]>
  /** Asks a replica as a proxy does, for the first app. */
  verify (cookie: string, headers?: Lines, replica?: number): Promise<Answered>
  ask (path: string, cookie: string, headers?: Lines, replica?: number): Promise<Answered>
  /** Tokens that Authgear gave so far. */
  tokens (): Readonly<Record<'accessTokens' | 'refreshTokens' | 'idTokens', readonly string[]>>
  /** Comes when so many refresh tokens were revoked, and fails where there are more. */
  revoked (count: number): Promise<void>
  /** Signed in at that page, by Authgear's login page. */
  signedIn (user?: string, url?: string, replica?: () => number): Promise<Person>
}

type Lines = Readonly<Record<string, string | readonly string[]>>

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
  const { authgear, answers, revocations } = await startRecordedSimulator(t, {
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
  const sitesOf = (replica: () => InProcessOver): Readonly<Record<string, Site>> => ({
    [authgearHost]: authgearSite(authgear, authgearHost),
    ...Object.fromEntries(ORIGINS.map((origin) => [new URL(origin).host, appSite(replica, new URL(origin).host)]))
  })
  const person: OwnWorld['person'] = (replica = () => 0) =>
    createPerson(sitesOf(() => replicas[replica()] as InProcessOver))
  const signIn: OwnWorld['signIn'] = (someone, page, user) => someone.send(page.url, { user })
  const askAt: OwnWorld['ask'] = (path, cookie, headers = {}, replica = 0) =>
    (replicas[replica] as InProcessOver).ask({
      path,
      headers: {
        'x-forwarded-for': CLIENT_ADDRESS,
        'x-forwarded-host': new URL(APP).host,
        'x-forwarded-uri': '/',
        ...cookie === '' ? {} : { cookie },
        ...headers
      }
    })
  return {
    authgear,
    replicas,
    person,
    personAt: (replica) => createPerson(sitesOf(() => replica)),
    signIn,
    async revoke (what) {
      const { status } = await ask(await startManagement(t, (replicas[0] as InProcessOver).service), {
        method: 'POST',
        path: '/revocations',
        host: '127.0.0.1',
        headers: [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Type', 'application/json']],
        body: JSON.stringify(what)
      })
      return { status }
    },
    ask: askAt,
    verify: (cookie, headers, replica) => askAt('/verify', cookie, headers, replica),
    tokens: () => ({
      accessTokens: valuesOf(answers, 'access_token'),
      refreshTokens: valuesOf(answers, 'refresh_token'),
      idTokens: valuesOf(answers, 'id_token')
    }),
    async revoked (count) {
      await until(`${count} revocations`, () => revocations.length >= count)
      if (revocations.length > count) throw new Error(`${revocations.length} were revoked`)
    },
    async signedIn (user = 'alice', url = `${APP}/`, replica = () => 0) {
      const someone = person(replica)
      const { status } = await lastOf(signIn(someone, await lastOf(someone.open(url)), user))
      if (status !== 200) throw new Error(`signing in ended with ${status}`)
      return someone
    }
  }
}

/** One more replica of that world, with other variables. */
export async function addReplica (t: Test, { authgear, replicas }: OwnWorld, adapter: InProcessOptions): Promise<void> {
  const replica = await startInProcessOver(t, 'HTTP/1.1', undefined, ownOptions(authgear, adapter))
  const all = replicas as InProcessOver[]
  all.push(replica)
}

/** What a browser keeps of a session at that origin, as it would be sent; empty without. */
export function cookieOf (person: Person, origin: string): string {
  return /(?:^|; )((?:__Host-)?forward-auth=[^;]+)/.exec(person.cookies(new URL(origin).host))?.[1] ?? ''
}

/** Where a page of Authgear's sends its form. */
export function actionIn ({ authgear }: OwnWorld, { body }: Hop): string {
  return new URL((/action="([^"]+)"/.exec(body)?.[1] ?? '').replaceAll('&#38;', '&'), authgear.url).href
}

async function startRecordedSimulator (t: Test, options: SimulatorOptions) {
  const simulator = buildSimulator(options)
  t.teardown(() => simulator.close())
  const answers: Array<Readonly<Record<string, unknown>>> = []
  const revocations: string[] = []
  simulator.app.addHook('onSend', async (request, _, payload) => {
    if (request.url === '/oauth2/token' && typeof payload === 'string') answers.push(parseObject(payload) ?? {})
    if (request.url === '/oauth2/revoke') revocations.push('')
    return payload
  })
  const url = await simulator.listen()
  const authgear: RunningSimulator = Object.freeze({
    url,
    port: Number(new URL(url).port),
    controls: simulator.controls,
    counters: simulator.counters,
    close: simulator.close
  })
  return { authgear, answers, revocations }
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

const valuesOf = (answers: ReadonlyArray<Readonly<Record<string, unknown>>>, name: string): readonly string[] =>
  answers.flatMap((answer) => typeof answer[name] === 'string' ? [answer[name]] : [])

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
const CLIENT_ADDRESS = '192.0.2.7'

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
