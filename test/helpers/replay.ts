import { fillIn } from './recorded-world.ts'
import { headersNamed, restoreValue, type Exchange, type HeaderList } from './recorded.ts'
import { goCookie } from './go-cookies.ts'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'

/** What a recorded request says of who sent it, read as Authgear reads it and not by our own code. */
export interface Sent {
  readonly authorizations: readonly string[]
  readonly bearer: string | undefined
  readonly appSession: string | undefined
  readonly appAccessToken: string | undefined
  readonly session: string | undefined
}

export interface Expected {
  readonly status: number
  /** Outward; undefined where Node's parser refuses before any of our code runs. */
  readonly reason: string | undefined
  /** How often Authgear is asked. */
  readonly asked: number
  /** The identity headers of a 200, absent ones empty. */
  readonly identity: HeaderList
}

const K16 = 16 * 1024
const K1 = 1024

/** How the recorded server was configured: `http.cookie_prefix`. */
export function cookiePrefixOf ({ name }: Exchange): string {
  if (name.startsWith('cfg-cookie_prefix/')) return 'lab_'
  return name.startsWith('cfg-both/') ? '__Secure-lab-' : ''
}

/** Where the replayed project is, for this service. */
export const ENDPOINT = 'https://myapp.authgear.cloud'

/**
 * Header lines as they went over the wire.
 * @param origin the audience of the project's JWTs, if not the recorded one
 */
export function headersOf ({ request }: Exchange, origin?: string): HeaderList {
  return request.headers.map(([name, value]) => [name, fillIn(restoreValue(value), origin)])
}

export function sentBy (exchange: Exchange, origin?: string): Sent {
  const lines = (name: string): string[] =>
    headersOf(exchange, origin).filter(([one]) => one.toLowerCase() === name).map(([, value]) => value.trim())
  const prefix = cookiePrefixOf(exchange)
  const cookie = (name: string): string | undefined => goCookie(lines('cookie'), prefix + name)
  const authorizations = lines('authorization')
  return {
    authorizations,
    bearer: /^bearer ([^ ].*)$/i.exec(authorizations[0] ?? '')?.[1],
    appSession: cookie('app_session'),
    appAccessToken: cookie('app_access_token'),
    session: cookie('session')
  }
}

/** docs/interface.md, "Answers": what follows from the credentials sent, and from Authgear's answer to them. */
export function expectedAnswer (sent: Sent, answer: Exchange['response']): Expected {
  const refused = refusedWithoutAsking(sent)
  if (refused !== undefined) return { status: 401, reason: refused, asked: 0, identity: [] }
  const verdict = headersNamed(answer.headers, /^x-authgear-session-valid$/i)[0]?.[1]
  if (answer.status !== 200) {
    return { status: 503, reason: 'authgear_unavailable', asked: answer.status === 500 ? 2 : 1, identity: [] }
  }
  if (verdict === 'true') return { status: 200, reason: 'allowed', asked: 1, identity: identityIn(answer.headers) }
  const { bearer, appSession, appAccessToken, session } = sent
  const isSent = session !== undefined || [bearer, appSession, appAccessToken].some(Boolean)
  const doubtful = verdict === undefined && isSent
  return { status: 401, reason: 'invalid_session', asked: doubtful ? 2 : 1, identity: [] }
}

function refusedWithoutAsking ({
  authorizations, bearer, appSession, appAccessToken, session
}: Sent): string | undefined {
  if (authorizations.length > 1 || bearer?.includes(',')) return 'ambiguous_credentials'
  if ([bearer, appSession, appAccessToken, session].every(value => value === undefined)) return 'no_credentials'
  const all = [[bearer, K16], [appAccessToken, K16], [appSession, K1], [session, K1]] as const
  const sent = all.filter(([value = '']) => value !== '')
  if (sent.length > 0 && sent.every(([value = '', most]) => value.length > most)) return 'malformed_credentials'
  return [bearer, appAccessToken].some(isForAnother) ? 'wrong_audience' : undefined
}

/** An access token of three parts whose audience is another project, or none. */
function isForAnother (token = ''): boolean {
  try {
    const [header, claims] = token.split('.', 2).map(part => JSON.parse(Buffer.from(part, 'base64url').toString()))
    return header.typ === 'at+jwt' && claims.aud !== ENDPOINT
  } catch {
    return false
  }
}

function identityIn (headers: HeaderList): HeaderList {
  return IDENTITY_HEADERS.map(name => [name, headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? ''] as const)
}

/** The header lines that Authgear may be sent for these credentials, sorted. */
export function expectedRequest (
  exchange: Exchange,
  { bearer, appSession, appAccessToken, session }: Sent,
  endpointHost: string
): readonly string[] {
  const prefix = cookiePrefixOf(exchange)
  const pairs = [['app_session', appSession], ['app_access_token', appAccessToken], ['session', session]] as const
  const cookies = pairs.flatMap(([name, value]) => value === undefined ? [] : [`${prefix}${name}=${value}`])
  const userAgent = headersOf(exchange).find(([name]) => name.toLowerCase() === 'user-agent')?.[1]
  return [
    `host: ${endpointHost}`, `x-forwarded-host: ${endpointHost}`, 'x-forwarded-proto: https', 'connection: keep-alive',
    'x-forwarded-for: 127.0.0.1', ...(bearer === undefined ? [] : [`authorization: Bearer ${bearer}`]),
    ...(cookies.length === 0 ? [] : [`cookie: ${cookies.join('; ')}`]),
    ...(userAgent ? [`user-agent: ${userAgent}`] : [])
  ].toSorted()
}
