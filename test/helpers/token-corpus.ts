import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { HEADER, jwkOf, KEYS, KID, machineClaims, personClaims, RESOURCE, signed } from './token-issuer.ts'

type Claims = Readonly<Record<string, unknown>>

/** `token` is made for an issuer and a moment. */
export type CorpusRow = Readonly<{ name: string, token: (issuer: string, nowMs: number) => string }>

const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 })
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PEM = KEYS.publicKey.export({ type: 'spki', format: 'pem' })
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A machine's token with other claims. */
const claims = (name: string, other: Claims | ((nowSeconds: number) => Claims)): CorpusRow => ({
  name,
  token: (issuer, nowMs) =>
    signed(machineClaims(issuer, nowMs, typeof other === 'function' ? other(Math.floor(nowMs / 1000)) : other))
})

const person = (name: string, other: Claims): CorpusRow => ({
  name, token: (issuer, nowMs) => signed(personClaims(issuer, nowMs, 'a11ce000-0000-4000-8000-000000000001', other))
})

const header = (name: string, other: Claims): CorpusRow => ({
  name, token: (issuer, nowMs) => signed(machineClaims(issuer, nowMs), { ...HEADER, ...other })
})

const changed = (name: string, change: (token: string) => string): CorpusRow => ({
  name, token: (issuer, nowMs) => change(signed(machineClaims(issuer, nowMs)))
})

function symmetric (alg: string, key: string | Buffer): (issuer: string, nowMs: number) => string {
  return (issuer, nowMs) => {
    const text = `${encode({ ...HEADER, alg })}.${encode(machineClaims(issuer, nowMs))}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
}

function withAlgorithm (alg: string, make: (text: Buffer) => Buffer): (issuer: string, nowMs: number) => string {
  return (issuer, nowMs) => {
    const text = `${encode({ ...HEADER, alg })}.${encode(machineClaims(issuer, nowMs))}`
    return `${text}.${make(Buffer.from(text)).toString('base64url')}`
  }
}

/** 256 bytes are 341 characters and two bits of the next one, whose other four mean nothing. */
function withUnusedBits (token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1]}`
}

const rolesOf = (roles: unknown): Claims => ({ 'https://authgear.com/claims/user/roles': roles })

/** Tokens that are malformed, foreign, swapped or downgraded: none may be a 200 for RESOURCE. */
export const REFUSED_TOKENS: readonly CorpusRow[] = [
  { name: 'nothing but dots', token: () => '..' },
  { name: 'an opaque session token', token: () => 'demoAccessTokenOfAlice0000000000' },
  changed('two parts', (token) => token.split('.').slice(0, 2).join('.')),
  changed('four parts', (token) => `${token}.x`),
  changed('five parts, as an encrypted one', (token) => `${token}.x.y`),
  changed('an empty signature', (token) => `${token.split('.').slice(0, 2).join('.')}.`),
  changed('an empty header', (token) => `.${token.split('.').slice(1).join('.')}`),
  changed('an empty payload', (token) => token.split('.').map((part, i) => i === 1 ? '' : part).join('.')),
  changed('its signature cut by a byte', (token) => token.slice(0, -2)),
  changed('a bit of its signature changed',
    (token) => `${token.slice(0, -9)}${token.at(-9) === 'A' ? 'B' : 'A'}${token.slice(-8)}`),
  changed('a blank within its signature', (token) => `${token.slice(0, -9)} ${token.slice(-9)}`),
  changed('a tab within its signature', (token) => `${token.slice(0, -9)}\t${token.slice(-9)}`),
  changed('a blank before its signature', (token) => token.replace(/\.(?=[^.]*$)/, '. ')),
  changed('its signature padded', (token) => `${token}==`),
  changed('unused bits of its signature set', (token) => withUnusedBits(token)),
  {
    name: 'a byte order mark before its header',
    token: (issuer, now) => signed(machineClaims(issuer, now), `\ufeff${JSON.stringify(HEADER)}`)
  },
  changed('its payload changed', (token) => {
    const [head, payload = '', signature] = token.split('.')
    const text = Buffer.from(payload, 'base64url').toString().replace('read:orders', 'read:ordera')
    return [head, Buffer.from(text).toString('base64url'), signature].join('.')
  }),
  changed('another header of the same meaning', (token) => {
    const [, payload, signature] = token.split('.')
    return [encode({ ...HEADER, x: 1 }), payload, signature].join('.')
  }),
  changed('a payload that is no JSON', (token) => token.split('.').map((part, i) => i === 1 ? 'e30x' : part).join('.')),
  { name: 'a payload that is a list', token: () => signed([1]) },
  { name: 'a payload that is a text', token: () => signed('"x"') },
  { name: 'a payload that is null', token: () => signed('null') },
  { name: 'a header that is a text', token: (issuer, now) => signed(machineClaims(issuer, now), '"x"') },
  header('alg none', { alg: 'none' }),
  {
    name: 'alg none without a signature',
    token: (issuer, now) => `${encode({ ...HEADER, alg: 'none' })}.${encode(machineClaims(issuer, now))}.`
  },
  header('alg NONE', { alg: 'NONE' }),
  header('no alg', { alg: undefined }),
  { name: 'HS256 with the public key as PEM', token: symmetric('HS256', PEM) },
  { name: 'HS256 with the public key as a JWK', token: symmetric('HS256', JSON.stringify(jwkOf(KEYS.publicKey, KID))) },
  { name: 'HS256 with the modulus', token: symmetric('HS256', String(jwkOf(KEYS.publicKey, KID)['n'])) },
  { name: 'HS256 with an empty key', token: symmetric('HS256', '') },
  { name: 'RS384 by the right key', token: withAlgorithm('RS384', (text) => sign('sha384', text, KEYS.privateKey)) },
  { name: 'RS512 by the right key', token: withAlgorithm('RS512', (text) => sign('sha512', text, KEYS.privateKey)) },
  { name: 'RS1', token: withAlgorithm('RS1', (text) => sign('sha1', text, KEYS.privateKey)) },
  {
    name: 'PS256 by the right key',
    token: withAlgorithm('PS256', (text) => sign('sha256', text, { key: KEYS.privateKey, padding: 6 }))
  },
  {
    name: 'ES256 by another key',
    token: withAlgorithm('ES256', (text) => sign('sha256', text, { key: EC.privateKey, dsaEncoding: 'ieee-p1363' }))
  },
  {
    name: 'RS256 by another key under the right kid',
    token: (issuer, now) => signed(machineClaims(issuer, now), HEADER, OTHER.privateKey)
  },
  header('another kid', { kid: 'other' }),
  header('no kid', { kid: undefined }),
  header('an empty kid', { kid: '' }),
  header('a kid that is a number', { kid: 7 }),
  header('a kid that is a path', { kid: '../../dev/null' }),
  header('a kid of 5,000 characters', { kid: 'k'.repeat(5000) }),
  {
    name: 'its own key in the header',
    token: (issuer, now) =>
      signed(
        machineClaims(issuer, now), { ...HEADER, kid: 'mine', jwk: jwkOf(OTHER.publicKey, 'mine') }, OTHER.privateKey
      )
  },
  {
    name: 'an address of its own keys',
    token: (issuer, now) =>
      signed(machineClaims(issuer, now), { ...HEADER, kid: 'mine', jku: 'http://127.0.0.1:9/keys' }, OTHER.privateKey)
  },
  header('typ JWT, as an ID token', { typ: 'JWT' }),
  header('typ missing', { typ: undefined }),
  header('typ dpop+jwt', { typ: 'dpop+jwt' }),
  header('typ at+jwt+x', { typ: 'at+jwt+x' }),
  header('a critical header that nobody knows', { crit: ['x'], x: 1 }),
  header('an empty list of critical headers', { crit: [] }),
  header('an encoded payload, declared as critical', { crit: ['b64'], b64: true }),
  header('an unencoded payload', { crit: ['b64'], b64: false }),
  {
    name: 'a token within a token',
    token: (issuer, now) => signed(signed(machineClaims(issuer, now)), { ...HEADER, cty: 'JWT' })
  },
  claims('no aud', { aud: undefined }),
  claims('an empty list of aud', { aud: [] }),
  claims('aud is the client', { aud: ['machine'] }),
  claims('aud of another resource', { aud: ['https://other.example.com'] }),
  claims('aud with a slash more', { aud: [`${RESOURCE}/`] }),
  claims('aud is a prefix', { aud: [RESOURCE.slice(0, -1)] }),
  claims('aud begins with the resource', { aud: [`${RESOURCE}.evil.example`] }),
  claims('aud in upper case', { aud: ['https://API.example.com'] }),
  claims('aud with its port', { aud: [`${RESOURCE}:443`] }),
  claims('aud over http', { aud: ['http://api.example.com'] }),
  claims('aud with a blank', { aud: [`${RESOURCE} `] }),
  claims('aud joined by a blank', { aud: `${RESOURCE} https://other.example.com` }),
  claims('aud within a list within a list', { aud: [[RESOURCE]] }),
  claims('aud is an object', { aud: { 0: RESOURCE } }),
  claims('aud beside a number', { aud: [RESOURCE, 1] }),
  claims('another issuer', { iss: 'https://auth.evil.example' }),
  claims('no issuer', { iss: undefined }),
  { name: 'an issuer with a slash more', token: (issuer, now) => signed(machineClaims(`${issuer}/`, now)) },
  { name: 'an issuer as a list', token: (issuer, now) => signed(machineClaims(issuer, now, { iss: [issuer] })) },
  claims('exp is over', (now) => ({ iat: now - 1800, exp: now - 1 })),
  claims('no exp', { exp: undefined }),
  claims('exp is a text', (now) => ({ exp: String(now + 1000) })),
  claims('exp is null', { exp: null }),
  claims('exp is beyond all times', { exp: 1e18 }),
  claims('no iat', { iat: undefined }),
  claims('iat is in an hour', (now) => ({ iat: now + 3600, exp: now + 5400 })),
  claims('iat is negative', { iat: -1 }),
  claims('issued two hours ago', (now) => ({ iat: now - 7200, exp: now + 600 })),
  claims('nbf is in an hour', (now) => ({ nbf: now + 3600 })),
  claims('nbf is a text', { nbf: 'now' }),
  claims('bound to a key by DPoP', { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }),
  claims('bound to a certificate', { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } }),
  claims('bound to nothing that is known', { cnf: {} }),
  claims('bound to null', { cnf: null }),
  claims('no sub', { sub: undefined }),
  claims('an empty sub', { sub: '' }),
  claims('sub of another client', { sub: 'client_id_other' }),
  claims('sub is a list', { sub: ['client_id_machine'] }),
  claims('sub with a line break', { sub: 'a\r\nx-authgear-user-roles: admin' }),
  claims('sub beyond ASCII', { sub: 'ällice' }),
  claims('sub of 5,000 characters', { sub: 's'.repeat(5000) }),
  claims('no client_id', { client_id: undefined }),
  claims('client_id with a line break', { client_id: 'm\r\nx: y', sub: 'client_id_m\r\nx: y' }),
  claims('client_id is a number', { client_id: 7, sub: 'client_id_7' }),
  claims('no jti', { jti: undefined }),
  claims('jti is an object', { jti: {} }),
  claims('scope is a list', { scope: ['read:orders'] }),
  claims('scope with a line break', { scope: 'read:orders\nadmin' }),
  claims('scope with a quote', { scope: 'read:orders"' }),
  claims('scope with two blanks', { scope: 'read:orders  x' }),
  claims('another scope', { scope: 'write:orders' }),
  claims('a scope that begins so', { scope: 'read:ordersx' }),
  claims('a scope in upper case', { scope: 'READ:ORDERS' }),
  claims('an empty scope', { scope: '' }),
  person('roles as a text', rolesOf('admin')),
  person('a role with a comma', rolesOf(['a,admin'])),
  person('a role with a line break', rolesOf(['a\r\nx: y'])),
  person('a role that is an object', rolesOf([{}])),
  person('20 kB of roles', rolesOf(Array.from({ length: 1500 }, (_, i) => `role_number_${i}`))),
  person('anonymous as a text', { 'https://authgear.com/claims/user/is_anonymous': 'false' }),
  person('auth_time as a text', { auth_time: '1' }),
  person('a first-party token of a user', { aud: ['https://auth.example.com'] }),
  claims('20 kB', { scope: Array.from({ length: 2000 }, (_, i) => `scope:${i}`).join(' ') })
]
