import type { Test } from 'tap'
import type { InProcess, InProcessOptions } from './in-process.ts'
import { MANAGEMENT_TOKEN } from './in-process.ts'
import { startManagement } from './management.ts'
import {
  APP, startOwnWorld as startWorld, type OwnWorld as World, type OwnWorldOptions, sessionCookie, cookieName
} from './own-session-world.ts'
import { last, type Hop, type Person } from './person.ts'
import { ask, type Answer, type HeaderLine } from './request.ts'
import { until } from './until.ts'

export { APP, LOCAL, WIKI, type OwnWorldOptions } from './own-session-world.ts'

type Lines = Readonly<Record<string, string | readonly string[]>>

/** The world of own-session-world.ts for tests that hold cookies instead of browsers. */
export interface OwnWorld extends Pick<World, 'authgear' | 'clock' | 'environment' | 'replicas'> {
  /** A new browser. @param replica that its proxy asks, by a function, since it may change */
  person (replica?: () => number): Person
  /** `POST /revocations` of the first replica. */
  revoke (what: object): Promise<Answer>
  /** Chooses a user on Authgear's login page. */
  signIn (person: Person, page: Hop, user: string): Promise<readonly Hop[]>
  /** Asks a replica as a proxy does, for the first app where the headers name no other host. */
  verify (cookie: string, headers?: Lines, replica?: number): Promise<Answer>
  ask (path: string, cookie: string, headers?: Lines, replica?: number): Promise<Answer>
  /** Tokens that Authgear gave so far. */
  tokens (): Readonly<Record<'accessTokens' | 'refreshTokens' | 'idTokens', readonly string[]>>
  /** Comes when so many refresh tokens were revoked, and fails where there are more. */
  revoked (count: number): Promise<void>
  /** Signed in at that page, by Authgear's login page. */
  signedIn (user?: string, url?: string, replica?: () => number): Promise<Person>
  /** One more replica, with other variables. */
  add (adapter: Partial<InProcessOptions>): Promise<InProcess>
}

export async function startOwnWorld (t: Test, options: OwnWorldOptions = {}): Promise<OwnWorld> {
  const world = await startWorld(t, options)
  const { authgear, clock, environment, relay } = world
  const replicas = [...world.replicas]
  const replicaAt = (index: number): InProcess => replicas[index] as InProcess
  const person: OwnWorld['person'] = (replica = () => 0) => world.person(() => replicaAt(replica()))
  const signIn: OwnWorld['signIn'] = (someone, page, user) => someone.send(page.url, { user })
  const askAt: OwnWorld['ask'] = (path, cookie, headers = {}, replica = 0) =>
    world.verify({ path, cookie, headers: linesOf(headers) }, replicaAt(replica))
  const given = (name: string): readonly string[] => relay.calls.flatMap(({ answer }) => answer[name] ?? []).map(String)
  return {
    authgear: { ...authgear, url: relay.url },
    clock,
    environment,
    replicas,
    person,
    signIn,
    revoke: async (what) => await ask(await startManagement(t, replicaAt(0).service), {
      method: 'POST',
      path: '/revocations',
      host: '127.0.0.1',
      headers: [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Type', 'application/json']],
      body: JSON.stringify(what)
    }),
    ask: askAt,
    verify: (cookie, headers, replica) => askAt('/verify', cookie, headers, replica),
    tokens: () =>
      ({ accessTokens: given('access_token'), refreshTokens: given('refresh_token'), idTokens: given('id_token') }),
    async revoked (count) {
      const revocations = (): number => relay.calls.filter(({ path }) => path === '/oauth2/revoke').length
      await until(`${count} revocations`, () => revocations() >= count)
      if (revocations() > count) throw new Error(`${revocations()} were revoked`)
    },
    async signedIn (user = 'alice', url = `${APP}/`, replica = () => 0) {
      const someone = person(replica)
      const { status } = last(await signIn(someone, last(await someone.open(url)), user))
      if (status !== 200) throw new Error(`signing in ended with ${status}`)
      return someone
    },
    async add (adapter) {
      const replica = await world.start(adapter)
      replicas.push(replica)
      return replica
    }
  }
}

const linesOf = (headers: Lines): readonly HeaderLine[] =>
  Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value) => [name, value] as const))

/** What a browser keeps of a session at that origin, as it would be sent; empty without. */
export function cookieOf (person: Person, origin: string): string {
  const value = sessionCookie(person, origin)
  return value === undefined ? '' : `${cookieName(origin)}=${value}`
}

/** Where a page of Authgear's sends its form. */
export function actionIn ({ authgear }: Pick<OwnWorld, 'authgear'>, { body }: Hop): string {
  return new URL((/action="([^"]+)"/.exec(body)?.[1] ?? '').replaceAll('&#38;', '&'), authgear.url).href
}
