import { createHash, randomBytes } from 'node:crypto'
import { parseObject } from '../../src/base/core/json.ts'
import type { Answer } from '../helpers/request.ts'
import { openBrowser, type Browser } from './browser.ts'
import type { AuthgearServer, Person } from './types.ts'
import { CALLBACK, STATE } from './words.ts'

export const FULL_ACCESS = 'https://authgear.com/scopes/full-access'
export const SCOPE = 'openid offline_access'
const VERIFIER = randomBytes(32).toString('base64url')
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

/** What is undefined is left out. */
export type Overrides = Readonly<Record<string, string | undefined>>

/** The address of a question, as the service asks it but for what is overridden. */
export function authorize (overrides: Overrides = {}): string {
  const asked: Overrides = {
    response_type: 'code',
    client_id: 'own',
    redirect_uri: CALLBACK,
    scope: SCOPE,
    state: STATE,
    nonce: 'n1',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    x_sso_enabled: 'true',
    ...overrides
  }
  const given = Object.entries(asked).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  return `/oauth2/authorize?${new URLSearchParams(Object.fromEntries(given)).toString()}`
}

/** A new person's browser, with Authgear's session. */
export async function signedIn (server: AuthgearServer): Promise<Readonly<{ browser: Browser, person: Person }>> {
  const person = await server.createPerson()
  const browser = openBrowser(server)
  const { hasLeft, url } = await browser.signIn(authorize({ x_page: 'login' }), person)
  if (!hasLeft) throw new Error(`the sign-in ended at ${url.pathname}`)
  return { browser, person }
}

/** The code of a browser that is signed in. */
export async function codeOf (server: AuthgearServer, browser: Browser, overrides: Overrides = {}): Promise<string> {
  const { headers } = await server.call('main', authorize({ prompt: 'none', ...overrides }), {
    cookie: browser.cookies(), address: browser.address
  })
  return new URL(headers.location ?? 'none:').searchParams.get('code') ?? ''
}

export const tokenCall = (server: AuthgearServer, form: Overrides, address?: string): Promise<Answer> =>
  server.call('main', '/oauth2/token', { method: 'POST', form, ...address === undefined ? {} : { address } })

export const redeeming = (code: string | undefined, overrides: Overrides = {}): Overrides => ({
  grant_type: 'authorization_code',
  client_id: 'own',
  redirect_uri: CALLBACK,
  code_verifier: VERIFIER,
  code,
  ...overrides
})

export const refreshing = (token: string | undefined, overrides: Overrides = {}): Overrides =>
  ({ grant_type: 'refresh_token', client_id: 'own', refresh_token: token, ...overrides })

export interface Tokens { readonly access: string, readonly refresh: string, readonly id: string }

export function tokensIn ({ body }: Pick<Answer, 'body'>): Tokens {
  const json = parseObject(body) ?? {}
  const text = (name: string): string => typeof json[name] === 'string' ? json[name] : ''
  return { access: text('access_token'), refresh: text('refresh_token'), id: text('id_token') }
}

/** A new grant of that browser's. @param clientId and scope are of the question */
export async function grantOf (server: AuthgearServer, browser: Browser, overrides: Overrides = {}): Promise<Tokens> {
  const code = await codeOf(server, browser, overrides)
  const { client_id: id = 'own' } = overrides
  const answer = await tokenCall(server, redeeming(code, { client_id: id }), browser.address)
  if (answer.status !== 200) throw new Error(`no grant: ${answer.body}`)
  return tokensIn(answer)
}

/** What the resolver says of these headers, in one line. */
export async function resolved (server: AuthgearServer, headers: Readonly<Record<string, string>>): Promise<string> {
  const answer = await server.call('resolver', '/_resolver/resolve', { headers: Object.entries(headers) })
  const said = answer.headers['x-authgear-session-valid']
  return `${answer.status} ${said === undefined ? 'nothing' : `session-valid ${String(said)}`}`
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ Authorization: `Bearer ${token}` })
