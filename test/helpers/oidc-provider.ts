import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { listenFree } from './listen-free.ts'
import { HEADER, jwkOf, KEYS, KID, signed } from './token-issuer.ts'

type Claims = Readonly<Record<string, unknown>>

export type OidcProvider = Readonly<{
  url: string
  /** Who is signed in there from now on: the claims of an ID token. */
  signIn: (claims: Claims) => void
}>

/** A provider of OpenID Connect as oauth2-proxy needs one, whose login page answers for the person at once. */
export async function startOidcProvider (t: Test, clientId: string): Promise<OidcProvider> {
  let person: Claims = {}
  const codes = new Map<string, Claims>()
  const server = createServer(async (request, response) => {
    const origin = `http://${request.headers.host}`
    const url = new URL(request.url ?? '/', origin)
    switch (url.pathname) {
      case '/.well-known/openid-configuration': return json(response, discovery(origin))
      case '/jwks': return json(response, { keys: [jwkOf(KEYS.publicKey, KID)] })
      case '/authorize': return authorize(url, response)
      case '/token': return json(response, await exchange(origin, request))
      default: return response.writeHead(404).end()
    }
  })

  function authorize ({ searchParams: query }: URL, response: ServerResponse): void {
    const code = randomUUID()
    codes.set(code, { ...person, nonce: query.get('nonce') ?? undefined })
    const back = new URL(query.get('redirect_uri') ?? '')
    back.search = new URLSearchParams({ code, state: query.get('state') ?? '' }).toString()
    response.writeHead(302, { location: back.href }).end()
  }

  async function exchange (iss: string, request: IncomingMessage): Promise<Claims> {
    const code = new URLSearchParams(await text(request)).get('code') ?? ''
    const claims = codes.get(code)
    if (claims === undefined || !codes.delete(code)) return { error: 'invalid_grant' }
    const iat = Math.floor(Date.now() / 1000)
    const token = signed({ iss, aud: clientId, iat, exp: iat + 600, ...claims }, { ...HEADER, typ: 'JWT' })
    return { access_token: randomUUID(), token_type: 'Bearer', expires_in: 600, id_token: token }
  }

  const url = `http://127.0.0.1:${await listenFree(t, server)}`
  return Object.freeze({ url, signIn: (claims: Claims) => { person = claims } })
}

const json = (response: ServerResponse, body: unknown): void => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}

const discovery = (issuer: string): Claims => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256']
})
