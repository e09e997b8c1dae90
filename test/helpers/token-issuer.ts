import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

type Claims = Readonly<Record<string, unknown>>

/** Keys of the size that Authgear uses are slow to make: one pair for a test's process. */
export const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const KID = '9bea3611-33cb-404d-8770-9b68ad9f526a'
export const RESOURCE = 'https://api.example.com'

/** As Authgear's JWKS says it (test/fixtures/m2m.json). */
export const jwkOf = (key: KeyObject, kid: string): Claims =>
  ({ alg: 'RS256', created_at: 1_795_645_996, kid, use: 'sig', ...key.export({ format: 'jwk' }) })

export const HEADER = { alg: 'RS256', kid: KID, typ: 'at+jwt' }

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** @returns header, claims and signature as they are given: also what no issuer would sign */
export function signed (claims: unknown, header: unknown = HEADER, key: KeyObject = KEYS.privateKey): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

/** Claims of a machine's token as recorded, issued at this moment; undefined takes a claim away. */
export function machineClaims (issuer: string, nowMs: number, other: Claims = {}): Claims {
  const iat = Math.floor(nowMs / 1000)
  return {
    aud: [RESOURCE],
    client_id: 'machine',
    exp: iat + 1800,
    iat,
    iss: issuer,
    jti: randomBytes(32).toString('hex'),
    scope: 'read:orders',
    sub: 'client_id_machine',
    ...other
  }
}

const USER = 'https://authgear.com/claims/user/'

/** Claims of a person's token by a dynamic client. */
export function personClaims (issuer: string, nowMs: number, userId: string, other: Claims = {}): Claims {
  return machineClaims(issuer, nowMs, {
    sub: userId,
    client_id: 'agent',
    auth_time: Math.floor(nowMs / 1000),
    [`${USER}roles`]: ['admin'],
    [`${USER}is_anonymous`]: false,
    [`${USER}is_verified`]: true,
    [`${USER}can_reauthenticate`]: true,
    ...other
  })
}

export type Issuer = Readonly<{
  url: string
  /** Requests for the keys so far. */
  fetches: () => number
  /** What it answers from now on. */
  answer: (status: number, body: unknown) => void
  /** The resolver's answer, headers; none by default, as for a token that it does not know. */
  resolve: (headers: Readonly<Record<string, string>>) => void
}>

/** An Authgear that publishes KEYS and whose resolver knows nobody. */
export async function startIssuer (t: Pick<Test, 'teardown'>): Promise<Issuer> {
  let [status, body]: [number, unknown] = [200, { keys: [jwkOf(KEYS.publicKey, KID)] }]
  let fetches = 0
  let headers: Readonly<Record<string, string>> = { 'x-authgear-session-valid': 'false' }
  const server = createServer(({ url }, response) => {
    if (url !== '/oauth2/jwks') return response.writeHead(200, headers).end()
    fetches++
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetches: () => fetches,
    answer: (...next) => { [status, body] = next },
    resolve: (next) => { headers = next }
  }
}
