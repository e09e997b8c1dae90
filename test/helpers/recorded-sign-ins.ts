import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningSimulator } from './simulator.ts'
import { ask, type Answer, type HeaderLine } from './request.ts'

/** What a real Authgear answered, by the number of the exchange; tokens and pages are left out. */
export interface RecordedSignIn {
  readonly n: number
  readonly why: string
  readonly status: number
  /** Of a question to `/oauth2/authorize`. */
  readonly method?: string
  readonly path?: string
  readonly form?: string
  readonly signedIn?: true
  readonly location?: string
  /** Of the token endpoint: an error, or which members and claims of the ID token there are. */
  readonly answer?: Readonly<{ error: string, error_description: string }>
  readonly keys?: readonly string[]
  readonly claims?: readonly string[]
}

export const SIGN_INS = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/own-session.json'), 'utf8')
) as readonly RecordedSignIn[]

export const recordedAs = (n: number): RecordedSignIn => {
  const found = SIGN_INS.find((one) => one.n === n)
  if (found === undefined) throw new Error(`no exchange ${n} in test/fixtures/own-session.json`)
  return found
}

export const HOST = 'auth.oidc.test'
export const CALLBACK = 'https://app.other.test/_auth/callback'
const FORM: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded']

/** As a browser at Authgear's own host. */
export const atAuthgear = (
  { port }: Pick<RunningSimulator, 'port'>,
  path: string,
  { method = 'GET', cookie, form }: Readonly<{ method?: string, cookie?: string, form?: string }> = {}
): Promise<Answer> => ask(port, {
  method,
  path,
  host: HOST,
  headers: [
    ['X-Forwarded-Proto', 'https'],
    ...(cookie === undefined ? [] : [['Cookie', cookie]] as const),
    ...(form === undefined ? [] : [FORM])
  ],
  ...(form === undefined ? {} : { body: form })
})

/** A call of the token endpoint. @returns its answer with the body parsed */
export async function tokenCall (
  { port }: Pick<RunningSimulator, 'port'>,
  form: Readonly<Record<string, string>>,
  headers: readonly HeaderLine[] = [['X-Forwarded-Proto', 'https']]
): Promise<Readonly<{ status: number, location: string | undefined, body: Readonly<Record<string, string>> }>> {
  const body = new URLSearchParams(form).toString()
  const call = { method: 'POST', path: '/oauth2/token', host: HOST, headers: [FORM, ...headers], body }
  const answer = await ask(port, call)
  return {
    status: answer.status,
    location: answer.headers.location,
    body: answer.body === '' ? {} : JSON.parse(answer.body) as Record<string, string>
  }
}
