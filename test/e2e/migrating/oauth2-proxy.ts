import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { adminApi, auditEnvironment } from '../../helpers/audit.ts'
import { startChild } from '../../helpers/child.ts'
import { type EchoApp, startEchoApp } from '../../helpers/echo-app.ts'
import { freePort } from '../../helpers/free-port.ts'
import { type OidcProvider, startOidcProvider } from '../../helpers/oidc-provider.ts'
import { startProcess } from '../../helpers/process.ts'
import { type Answer, ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { mustFind } from '../../helpers/servers.ts'
import { type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { HEADER, signed } from '../../helpers/token-issuer.ts'
import { ALICE, BOB, LOGIN, NAVIGATION } from '../people.ts'
import type { Edits } from '../proxy.ts'
import { nginx } from '../proxies.ts'
import { readSnippet, swap } from '../snippets.ts'
import { startProxy } from '../start-proxy.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { leftFile } from './left.ts'

const CLIENT = {
  id: 'web',
  redirectUris: [`https://${HOST}/_auth/callback`],
  postLogoutRedirectUris: [`https://${HOST}/_auth/logged-out`]
}

/** As the provider knows the two people of the simulator. */
export const CLAIMS = {
  alice: {
    sub: ALICE.id,
    email: 'alice@example.com',
    email_verified: true,
    preferred_username: 'alice',
    groups: ['admin', 'editor']
  },
  bob: { sub: BOB.id, email: 'bob@example.com', email_verified: true, preferred_username: 'bob', groups: [] }
} as const
type Name = keyof typeof CLAIMS

const ROUTES = '    # routes and their policies'
const PUBLIC: Edits = {
  'nginx.conf': (written) => swap(written, ROUTES, `${readSnippet('proxies/nginx.md', 'nginx: public path')}${ROUTES}`)
}

type Side = Readonly<{ port: number, app: EchoApp, session: Readonly<Record<Name, HeaderLine>> }>
export type Left = Side & Readonly<{ own: number, log: () => string, provider: OidcProvider }>
type Right = Side & Readonly<{ managementUrl: string, simulator: RunningSimulator }>

export async function startLeft (t: Test): Promise<Left> {
  const [app, provider] = [await startEchoApp(t), await startOidcProvider(t, 'app')]
  const { own, log } = await startOauth2Proxy(t, provider)
  const port = await startNginx(t, leftFile('oauth2-proxy.conf', { OAUTH2_PROXY: own, APP: app.port }))
  const session = { alice: await sessionAt(port, provider, 'alice'), bob: await sessionAt(port, provider, 'bob') }
  return { port, app, session, own, log, provider }
}

export async function startOauth2Proxy (t: Test, { url }: OidcProvider, more = ''): Promise<Pick<Left, 'own' | 'log'>> {
  const [folder, own] = [tempDir(t, 'oauth2-proxy'), await freePort()]
  const file = join(folder, 'oauth2-proxy.cfg')
  writeFileSync(file, `${leftFile('oauth2-proxy.cfg', { ISSUER: url, OAUTH2_PROXY: own })}${more}\n`)
  const child = await startChild(t, {
    name: 'oauth2-proxy',
    command: mustFind('oauth2-proxy'),
    args: ['--config', file],
    ready: () => ask(own, { path: '/ping' }).then(({ status }) => status === 200, () => false)
  })
  return { own, log: child.output }
}

export async function startRight (t: Test, identity: string): Promise<Right> {
  const simulator = await startSimulator(t, { adminApi, clients: [CLIENT] })
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    ...auditEnvironment(simulator.url, '2s'),
    IDENTITY_HEADERS: identity,
    IDENTITY_PROFILE: 'email,username',
    PROFILE_TIMEOUT: '5s',
    ...LOGIN
  })
  const app = await startEchoApp(t)
  const options = ['--identity', identity, '--login', '--policy', '/admin=role=admin']
  const port = await startProxy(t, { ...nginx, edits: PUBLIC }, { app: app.port, forwardAuth: [service.port], options })
  const session = { alice: ['Cookie', ALICE.cookie], bob: ['Cookie', BOB.cookie] } as const
  return { port, app, session, simulator, managementUrl: service.managementUrl }
}

/** What a program has of the provider for `client_id`. */
export function idToken (iss: string): string {
  const iat = Math.floor(Date.now() / 1000)
  return signed({ iss, aud: 'app', iat, exp: iat + 600, ...CLAIMS.alice }, { ...HEADER, typ: 'JWT' })
}

/** Where a browser without a session is sent, and where from there. */
export async function waysIn (port: number): Promise<Readonly<{ start: string, login: URL }>> {
  const { headers: { location: start = '' } } = await ask(port, { path: '/deep', headers: NAVIGATION })
  const path = start.replace(`https://${HOST}`, '')
  const { headers: { location = '' } } = await ask(port, { path, headers: NAVIGATION })
  return { start, login: new URL(location) }
}

const cookiesOf = ({ headers }: Answer): string =>
  (headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0]).join('; ')

/** A whole sign-in by oauth2-proxy: its start, the provider, its callback. */
export async function signInAt (port: number, rd: string): Promise<Readonly<{ back: Answer }>> {
  const start = await ask(port, { path: `/oauth2/start?rd=${rd}`, headers: NAVIGATION })
  const login = await fetch(start.headers.location ?? '', { redirect: 'manual' })
  const { pathname, search } = new URL(login.headers.get('location') ?? '')
  return { back: await ask(port, { path: `${pathname}${search}`, headers: [['Cookie', cookiesOf(start)]] }) }
}

async function sessionAt (port: number, provider: OidcProvider, name: Name): Promise<HeaderLine> {
  provider.signIn(CLAIMS[name])
  const { back } = await signInAt(port, '/deep')
  if (back.status !== 302 || back.headers.location !== '/deep') throw new Error(`${name} is not signed in: ${back.body}`)
  return ['Cookie', cookiesOf(back)]
}
