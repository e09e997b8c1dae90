import { trimBlanks } from '../../../base/core/blanks.ts'
import { BRIEF_COOKIES, type CredentialsRead, ownCookieName, readBearerAlone } from '../../../base/core/credentials.ts'
import { cookieValues, isOwnValue, readOwnCookie, readOwnCredentials } from '../sessions/cookie.ts'
import type { TrustProxy } from '../../../base/http/trusted-proxies.ts'
import type { VerifyRequest } from '../../../base/http/types.ts'
import { createReturnUrls, type ReturnUrls } from './return-url.ts'

/** One origin of LOGIN_PUBLIC_URL. Its own sessions are no others'. */
export type Site = Readonly<{
  origin: string
  /** The host as a browser sends it: with a port that is not the default. */
  host: string
  /** Without a port, since cookies know none. */
  name: string
  cookies: Readonly<Record<'session' | 'login' | 'logout', string>>
  /** Attributes of each cookie; `Secure`, where browsers would not keep it otherwise. */
  attributes: string
  returnUrls: ReturnUrls
}>

export type Sites = Readonly<{
  all: readonly Site[]
  /** @param host as it arrived; nginx's `$host` has no port */
  of: (host: string | undefined) => Site | undefined
  /** The site that a request of a proxy's was going to: by its own words, if it is trusted. */
  ofRequest: (request: Asked) => Site | undefined
}>

type Asked = Pick<VerifyRequest, 'rawHeaders' | 'socket' | 'location'>

export function createSites (origins: readonly string[], path: string, trustProxy: TrustProxy): Sites {
  const all = origins.map((origin) => ownSiteOf(origin, path))
  const byHost = new Map(all.map((site) => [site.host, site]))
  const named = (name: string): Site | undefined => {
    const [first, ...others] = all.filter((site) => site.name === name)
    return others.length === 0 ? first : undefined
  }
  const byName = new Map(all.map(({ name }) => [name, named(name)]))
  const of = (host: string | undefined): Site | undefined =>
    host === undefined ? undefined : byHost.get(host) ?? byHost.get(host.replace(/:443$/, '')) ?? byName.get(host)
  return Object.freeze({
    all,
    of,
    ofRequest: (request: Asked) => of(hostAskedFor(request, trustProxy))
  })
}

/** @returns undefined where two hosts are named: a session of one must not count for the other */
function hostAskedFor (request: Asked, trustProxy: TrustProxy): string | undefined {
  const { rawHeaders, socket } = request
  let forwarded: string | undefined
  let own: string | undefined
  let isDouble = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (name.length === 16 && name.toLowerCase() === 'x-forwarded-host') {
      isDouble ||= forwarded !== undefined
      forwarded = value
    } else if ((name.length === 4 && name.toLowerCase() === 'host') || name === ':authority') own = value
  }
  const location = request.location?.()
  if (location !== undefined) return location.host
  if (forwarded === undefined || !trustProxy(socket.remoteAddress, 0)) return own
  return isDouble ? undefined : trimBlanks(forwarded, 0, forwarded.length)
}

/** @param isSecure its cookies are kept over HTTPS alone */
export function siteOf (place: Parameters<typeof createReturnUrls>[0], isSecure: boolean): Site {
  const { origin, host, hostname } = new URL(place.publicUrl)
  const prefix = ownCookieName(isSecure)
  return Object.freeze({
    origin,
    host,
    name: hostname,
    // `__Host-`: only this very host can set it, over https; a sibling cannot toss its own
    cookies: { session: prefix, login: prefix + BRIEF_COOKIES.login, logout: prefix + BRIEF_COOKIES.logout },
    // Lax, since the browser comes back from Authgear by a link of another host
    attributes: `Path=/; ${isSecure ? 'Secure; ' : ''}HttpOnly; SameSite=Lax`,
    returnUrls: createReturnUrls(place)
  })
}

function ownSiteOf (origin: string, path: string): Site {
  const { host, protocol } = new URL(origin)
  const isSecure = protocol === 'https:'
  return siteOf({ publicUrl: origin, path, allowedHosts: isSecure ? [host] : [] }, isSecure)
}

/** Reads what identifies a person, where each host has sessions of its own. */
export function createOwnReader (sites: Sites): (request: VerifyRequest) => CredentialsRead {
  return (request) => {
    const site = sites.ofRequest(request)
    if (site === undefined) return readBearerAlone(request.rawHeaders)
    return readOwnCredentials(request.rawHeaders, site.cookies.session, site.name)
  }
}

/** The session's cookie alone, whatever token is beside it. */
export const readSessionCookie = ({ rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>, site: Site): CredentialsRead =>
  readOwnCookie(rawHeaders, site.cookies.session, site.name)

/** A sign-out looks at so many at most: one that a sibling domain tossed must not hide the person's own. */
const MAX_ENDED = 4

/** The session cookies of a request, as `Credentials` have them. */
export function allSessionCookies ({ rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>, site: Site): readonly string[] {
  const values = new Set(cookieValues(rawHeaders, site.cookies.session))
  return [...values].filter(isOwnValue).slice(0, MAX_ENDED).map((value) => `${site.name} ${value}`)
}

/** Longer than Authgear keeps any session by default; the record says whether it is one. */
const SESSION_SECONDS = 365 * 86_400

export function sessionCookie (site: Site, value: string): string {
  return `${site.cookies.session}=${value}; Max-Age=${SESSION_SECONDS}; ${site.attributes}`
}

export function shortCookie (site: Site, cookie: 'login' | 'logout', value: string, lifeMs: number): string {
  return `${site.cookies[cookie]}=${value}; Max-Age=${lifeMs / 1000}; ${site.attributes}`
}

export function clearedCookie (site: Site, cookie: keyof Site['cookies']): string {
  return `${site.cookies[cookie]}=; Max-Age=0; ${site.attributes}`
}
