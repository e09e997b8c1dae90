import { createHash } from 'node:crypto'
import { demoJwt } from '../../deploy/demo/authgear-simulator/tokens.mjs'
import { type Exchange, headersNamed, recordedExchanges } from './recorded.ts'
import type { Controls, SessionEntry, SimulatorOptions, UserEntry } from './simulator.ts'

/** Placeholders that were never somebody's; the rest are alive unless the exchange's state says otherwise. */
const NOBODYS =
  /^<(garbage-32-chars|unknown-session-cookie|known-session-id-wrong-token|refresh-token|jwt-unknown-jti|jwt-wrong-key|jwt-alg-none|jwt-tampered)>$/

const all = recordedExchanges()

const LOCAL = 'http://localhost:3000'
const FUTURE = 4102444800

/** The claims of the tokens that are JWTs; that a text is known to the simulator stands for its signature. */
const JWTS: Readonly<Record<string, { readonly aud: string, readonly exp: number }>> = {
  '<valid-jwt-access-token>': { aud: LOCAL, exp: FUTURE },
  '<valid-jwt (aud http://localhost:3000)>': { aud: LOCAL, exp: FUTURE },
  '<jwt-resigned>': { aud: LOCAL, exp: FUTURE },
  '<revoked-jwt>': { aud: LOCAL, exp: FUTURE },
  '<jwt-of-accounts.example.com>': { aud: 'https://accounts.example.com', exp: FUTURE },
  '<jwt-expired>': { aud: LOCAL, exp: 1 },
  '<jwt-wrong-aud>': { aud: 'https://other.example.com', exp: FUTURE },
  '<jwt-unknown-jti>': { aud: LOCAL, exp: FUTURE },
  '<jwt-wrong-key>': { aud: LOCAL, exp: FUTURE },
  '<jwt-alg-none>': { aud: LOCAL, exp: FUTURE },
  '<jwt-tampered>': { aud: LOCAL, exp: FUTURE }
}

/** How the server was configured in an exchange, by the beginning of its name. */
const CONFIGURED: readonly (readonly [name: RegExp, options: SimulatorOptions])[] = [
  [/^cfg-cookie_prefix\//, { cookiePrefix: 'lab_' }],
  [/^cfg-cookie_domain\//, { cookieDomain: 'example.com' }],
  [/^cfg-both\//, { cookiePrefix: '__Secure-lab-', cookieDomain: '.example.com' }],
  [/^cfg-TRUST_PROXY-false\//, { trustProxy: false }],
  [/^dbsource\//, { hosts: ['localhost', 'accounts.example.com'] }]
]

/** What had been done to users, sessions and stores before an exchange, by its name. */
const STATES: readonly (readonly [name: RegExp, change: (controls: Controls) => void])[] = [
  [/^user-disabled-/, controls => controls.disable('disabled')],
  [/^user-reenabled-/, controls => { controls.disable('disabled'); controls.enable('disabled') }],
  [/^user-temporarily-disabled-(bearer|cookie)/, controls => controls.disable('tempdis')],
  [/^user-temporarily-disabled-over-/, controls => { controls.disable('tempdis'); controls.enable('tempdis') }],
  [/^user-valid-until-after-/, controls => controls.setOutsideValidity('validuntil', true)],
  [/^user-deletion-scheduled-/, controls => controls.disable('scheddel')],
  [/^user-deletion-unscheduled-/, controls => { controls.disable('scheddel'); controls.enable('scheddel') }],
  [/^user-anonymized-/, controls => controls.disable('anonymized')],
  [/^user-deleted-/, controls => controls.revokeSessions('deleted')],
  [/^(user-revoked-all-|jwt-revoked)/, controls => controls.revokeSessions('revoked')],
  [/^user-authorization-deleted-/, controls => controls.revoke(tokenOf('<authz-access-token>'))],
  [/^user-one-session-revoked-/, controls => controls.revoke(tokenOf('<oneses-session-cookie>'))],
  [/^bearer-expired($|\+)/, controls => controls.revoke(tokenOf('<expired-access-token>'))],
  [/^cookie-session-expired-lifetime/, controls => controls.revoke(tokenOf('<expired-session-cookie>'))],
  [/^cookie-session-idle-expired/, controls => controls.revoke(tokenOf('<idle-session-cookie>'))],
  [/^account-expired-/, controls => controls.setOutsideValidity('expired-account', true)],
  [/^redis-down\//, controls => { controls.outage = 'redis' }],
  [/^redis-hung\//, controls => { controls.outage = 'redis-frozen'; controls.frozenRedisDelay = 1 }],
  [/^postgres-down\//, controls => { controls.outage = 'database' }],
  [/^postgres-hung\//, controls => { controls.outage = 'database-frozen' }]
]

/** The simulator's options with which an exchange can be played again. */
export function optionsFor (exchange: Exchange): SimulatorOptions {
  const configured = CONFIGURED.find(([name]) => name.test(exchange.name))?.[1]
  return { ...configured, users: usersOf(exchange) }
}

export function setState (exchange: Exchange, controls: Controls): void {
  for (const [name, change] of STATES) if (name.test(exchange.name)) change(controls)
}

/** A token of the right form for each placeholder in a text. @param origin the project's: the audience of its JWTs */
export function fillIn (text: string, origin = LOCAL): string {
  return text.replace(/<[a-z][^<>]*>/gi, (placeholder) =>
    placeholder === '<script>' ? placeholder : tokenOf(placeholder, origin)
  )
}

function tokenOf (placeholder: string, origin = LOCAL): string {
  const digest = createHash('sha256').update(placeholder).digest('hex')
  const claims = JWTS[placeholder]
  if (claims !== undefined) {
    return demoJwt({
      sub: ownerOf(placeholder), jti: digest, ...claims, aud: claims.aud === LOCAL ? origin : claims.aud
    })
  }
  const opaque = digest.slice(32)
  return isSessionCookie(placeholder)
    ? `${digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5')}.${opaque}`
    : opaque
}

const isSessionCookie = (placeholder: string) => /session-cookie|session-id|refresh-token/.test(placeholder)

function ownerOf (placeholder: string): string {
  if (placeholder.endsWith('-user2>')) return 'user2'
  if (/^<(valid-|jwt-)/.test(placeholder)) return 'user1'
  if (/^<(createSession-token|session-cookie-with-amr)>$/.test(placeholder)) return 'amr'
  return placeholder.slice(1).replace(/-(access-token|session-cookie|token|jwt)>$/, '')
}

function placeholdersOf ({ request }: Exchange): readonly string[] {
  const found = request.headers.flatMap(([, value]) => value.match(/<[a-z][^<>]*>/gi) ?? [])
  return [...new Set(found)].filter(placeholder => placeholder !== '<script>' && !NOBODYS.test(placeholder))
}

/** Everybody who appears in the exchange, each with the credentials that appear. */
function usersOf (exchange: Exchange): readonly UserEntry[] {
  const placeholders = placeholdersOf(exchange)
  return [...new Set(placeholders.map(ownerOf))].map(name => {
    const { authenticatedAt, ...facts } = factsOf(name, exchange)
    const mine = placeholders.filter(placeholder => ownerOf(placeholder) === name)
    return { name, ...facts, sessions: mine.map(placeholder => ({ authenticatedAt, ...sessionOf(placeholder) })) }
  })
}

function sessionOf (placeholder: string): SessionEntry {
  const token = tokenOf(placeholder)
  if (isSessionCookie(placeholder)) return { cookie: token }
  return placeholder.startsWith('<valid-app-session') ? { appSession: token } : { accessTokens: [token] }
}

/**
 * Id, roles and so on as recorded: from this exchange where nobody else is in it, else from an earlier one of this user
 * alone. Whether a credential is accepted is never taken from the recording.
 */
function factsOf (name: string, exchange: Exchange) {
  const earlier = all.slice(0, all.findIndex(one => one.name === exchange.name) + 1).reverse()
  const source = earlier.find(
    (one) => isValid(one) && (name === 'user2' ? one.name === 'bearer-user2+cookie-user1' : isAbout(name, one))
  )
  return factsFrom(source)
}

const isValid = ({ response }: Exchange) => headersNamed(response.headers, /^x-authgear-user-id$/i).length > 0

function isAbout (name: string, exchange: Exchange): boolean {
  const owners = placeholdersOf(exchange).map(ownerOf)
  return owners.length > 0 && owners.every(owner => owner === name)
}

function factsFrom (source: Exchange | undefined) {
  const value = (name: string) => source?.response.headers.find(([one]) => one === `X-Authgear-${name}`)?.[1] ?? ''
  return {
    id: value('User-Id') || 'nobody-seen-alive-in-the-recording',
    roles: value('User-Roles').split(',').filter(role => role !== ''),
    verified: value('User-Verified') === 'true',
    anonymous: value('User-Anonymous') === 'true',
    canReauthenticate: value('User-Can-Reauthenticate') === 'true',
    authenticatedAt: Number(value('Session-Authenticated-At'))
  }
}
