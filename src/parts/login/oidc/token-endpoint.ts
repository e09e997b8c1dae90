import type * as OAuth from 'oauth4webapi'
import type { Clock } from '../../../base/clock.ts'
import type { SentDigests } from '../../../base/core/cache-key.ts'
import { AuthgearStatus } from '../../../base/errors.ts'
import { clientIn } from '../../../base/authgear/resolver/failures.ts'
import type { ClientTrace } from '../../../base/authgear/resolver/types.ts'
import { createTokenCalls, MAX_CONNECTIONS } from './token-calls.ts'
import { type Ask, createExchange, type Library, oauthLibrary } from './token-exchange.ts'
import { authoritiesOf, Pool } from '../../../base/authgear/undici.ts'

/** The tokens that Authgear gives for a code or a refresh token. */
export type Tokens = Readonly<{
  accessToken: string
  /** Milliseconds from the moment at which it was asked. */
  accessLifeMs: number
  idToken: string | undefined
  /** Undefined where the old one stays, which is so without rotation. */
  refreshToken: string | undefined
}>

type CodeRedemption = Readonly<{
  code: string
  redirectUri: string
  verifier: string
  nonce: string
}>

/** Authgear's `/oauth2/token` and `/oauth2/revoke`, as a client without a secret. */
export type TokenEndpoint = Readonly<{
  /** @throws {GrantRefused} for `invalid_grant` alone @throws {ResolverError} for all that says nothing of the code */
  redeem: (redemption: CodeRedemption, trace: ClientTrace) => Promise<Tokens>
  /**
   * @param late called after `timeoutMs`; the tokens may come later, and are lost if nobody takes them. undefined: they
   * are not waited for
   * @throws {GrantRefused} for `invalid_grant` alone @throws {ResolverError} for all that says nothing of the token
   */
  refresh: (
    refreshToken: string, trace: ClientTrace, digests: SentDigests, late?: () => void
  ) => Promise<Tokens>
  /** Ends the session of a refresh token. @throws {ResolverError} */
  revoke: (refreshToken: string) => Promise<void>
  close: () => Promise<void>
}>

export type TokenEndpointSettings = Readonly<{
  /** AUTHGEAR_ENDPOINT: its public origin alone answers, another is sent there. */
  endpoint: Readonly<{ origin: string }>
  clientId: string
  /** Milliseconds that one call may wait for its place, and milliseconds that it has from then on. */
  timeoutMs: number
  /** PEM, beside the public roots. */
  ca: string | undefined
}>

const MAX_BYTES = 64 * 1024
/** Authgear's default, where an answer does not say. */
const DEFAULT_LIFE_MS = 1_800_000

/** Connects on the first request, and follows no redirect. */
export function openTokenEndpoint (settings: TokenEndpointSettings, clock: Clock): TokenEndpoint {
  const { endpoint: { origin }, timeoutMs, ca } = settings
  const pool = new Pool(origin, {
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs, ...authoritiesOf(ca) },
    headersTimeout: 0, // the call's deadline covers all of it
    bodyTimeout: 0,
    maxResponseSize: MAX_BYTES
  })
  const exchange = createExchange(settings, pool, clock)
  const call = createTokenCalls({
    timeoutMs, clock, ready: oauthLibrary, askAboutNobody: exchange('code', undefined, askAboutNobody, readStatus)
  })
  let revocations = 0 // nothing of a client's goes with one, so that each that fails counts
  return Object.freeze({
    redeem: ({ code, redirectUri, verifier, nonce }: CodeRedemption, trace: ClientTrace) =>
      call('code', { ...NO_DIGESTS, client: clientIn(trace) }, exchange('code', trace, (oauth, as, client, given) => {
        const parameters = oauth.validateAuthResponse(as, client, new URLSearchParams({ code }), oauth.expectNoState)
        return oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, redirectUri, verifier, given)
      }, async (oauth, as, client, response) =>
        tokensOf(await oauth.processAuthorizationCodeResponse(as, client, response, {
          expectedNonce: nonce, requireIdToken: true
        })))),
    refresh: (refreshToken: string, trace: ClientTrace, digests: SentDigests, late?: () => void) =>
      call('refresh', digests, exchange('refresh', trace, (oauth, as, client, given) =>
        oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken, given),
      async (oauth, as, client, response) =>
        tokensOf(await oauth.processRefreshTokenResponse(as, client, response))), late),
    revoke: (refreshToken: string) =>
      call('revocation', { ...NO_DIGESTS, client: String(++revocations) },
        exchange('revocation', undefined, (oauth, as, client, given) =>
          oauth.revocationRequest(as, client, oauth.None(), refreshToken, given),
        (oauth, _as, _client, response) => oauth.processRevocationResponse(response))),
    close: () => pool.destroy()
  })
}

/** No code at all, to which Authgear says `invalid_request`. */
const askAboutNobody: Ask = (oauth, as, client, given) =>
  oauth.genericTokenEndpointRequest(as, client, oauth.None(), 'authorization_code', {}, given)

async function readStatus (_oauth: Library, _as: unknown, _client: unknown, { status }: Response): Promise<void> {
  if (status >= 500) throw new AuthgearStatus(status)
}

/** Whatever a stranger brings as a code, those that fail count as one. */
const NO_DIGESTS: SentDigests = { whole: [], all: [] }

const tokensOf = (answer: OAuth.TokenEndpointResponse): Tokens => ({
  accessToken: answer.access_token,
  accessLifeMs: answer.expires_in === undefined ? DEFAULT_LIFE_MS : answer.expires_in * 1000,
  idToken: answer.id_token,
  refreshToken: answer.refresh_token
})
