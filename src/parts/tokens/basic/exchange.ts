import { classify } from '../../../base/authgear/resolver/answer.ts'
import { authoritiesOf, Pool } from '../../../base/authgear/undici.ts'
import { isString, type Json, parseObject } from '../../../base/core/json.ts'
import {
  AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, ResolverError, TokenCallFailed
} from '../../../base/errors.ts'
import { TooManyExchanges } from './errors.ts'
import type { Pair } from './sent.ts'

/** `why` is Authgear's error code. `pair`: the client or its secret is wrong; `resource`: it gets none for that one. */
export type Exchanged =
  | Readonly<{ kind: 'token', token: string }>
  | Readonly<{ kind: 'refused', of: 'pair' | 'resource', why: string }>

export type TokenIssuer = Readonly<{
  /** @throws {ResolverError} for every answer that says nothing of the pair */
  exchange: (pair: Pair, resource: string) => Promise<Exchanged>
  close: () => Promise<void>
}>

export type TokenIssuerSettings = Readonly<{
  /** AUTHGEAR_ENDPOINT: its public origin alone answers. */
  origin: string
  timeoutMs: number
  /** PEM, beside the public roots. */
  ca: string | undefined
}>

const CONNECTIONS = 4
const MAX_BYTES = 64 * 1024
const CODE = /^[a-z_]{1,40}$/
const HEADERS = {
  'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', 'user-agent': 'authgear-forward-auth'
} as const

/** Authgear's token endpoint for machines. Opens no connection yet, and follows no redirect. */
export function openTokenIssuer ({ origin, timeoutMs, ca }: TokenIssuerSettings): TokenIssuer {
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    connect: { timeout: timeoutMs, ...authoritiesOf(ca) },
    maxResponseSize: MAX_BYTES
  })
  async function post (form: URLSearchParams): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST', path: '/oauth2/token', headers: HEADERS, body: form.toString(), signal
      })
      return { status: statusCode, text: await body.text() }
    } catch (error) {
      throw signal.aborted ? new AuthgearTimeout(timeoutMs) : classify(error, timeoutMs)
    }
  }
  return Object.freeze({
    async exchange ({ clientId, secret }: Pair, resource: string): Promise<Exchanged> {
      try {
        const grant = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, resource }
        return readAnswer(await post(new URLSearchParams(grant)))
      } catch (error) {
        if (error instanceof TooManyExchanges) throw error
        throw new TokenCallFailed(error instanceof ResolverError ? error : classify(error, timeoutMs))
      }
    },
    close: () => pool.destroy()
  })
}

type Answer = Readonly<{ status: number, text: string }>

/** As Authgear was recorded to answer (test/fixtures/m2m.json). @throws {ResolverError} */
export function readAnswer ({ status, text }: Answer): Exchanged {
  if (status === 429) throw new TooManyExchanges('Authgear answered 429')
  if (status >= 500) throw new AuthgearStatus(status)
  if (status >= 300 && status < 400) throw new AuthgearMisconfigured(`the token endpoint answered ${status}`)
  const answer = parseObject(text)
  if (status === 200) {
    const { access_token: token } = answer ?? {}
    if (!isString(token) || token === '') throw new AuthgearGarbage("the token endpoint's answer has no token")
    return { kind: 'token', token }
  }
  return readRefusal(status, answer ?? {})
}

/** A wrong secret is an `invalid_request` of this very sentence: of any other sentence nobody knows what it says. */
function readRefusal (status: number, { error, error_description: sentence }: Json): Exchanged {
  const why = isString(error) && CODE.test(error) ? error : 'an unknown error'
  const isWrongSecret = why === 'invalid_request' && isString(sentence) && /\bsecret\b/.test(sentence)
  const isOfPair = why === 'invalid_client' || why === 'unauthorized_client' || isWrongSecret
  if ((status === 400 || status === 401) && isOfPair) return { kind: 'refused', of: 'pair', why }
  if (status === 400 && why === 'invalid_target') return { kind: 'refused', of: 'resource', why }
  throw new AuthgearMisconfigured(`the token endpoint answered ${status} ${why}`)
}
