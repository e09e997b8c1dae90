import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { isFromAnotherSite } from './redirect.ts'
import { clearedCookie, shortCookie, type Site } from './sites.ts'
import type { FlowDeps, SiteHandler } from './flow.ts'
import { readLoginQuery, writeLoginQuery } from './urls.ts'
import { isCurrent, LOGIN_LIFETIME_MS, readCookie } from './state.ts'

/** What travels to `/logged-out` in a cookie, where another replica may serve it. */
export type SignedOut = Readonly<{
  /** Validated; the page after the next sign-in, with another account. */
  returnTo?: string | undefined
  issuedAt: number
}>

/** How one kind of session ends. */
export type WayOut = Readonly<{
  /** Ends what the browser brought, and sends it to Authgear, which ends its own session. */
  leave: (request: VerifyRequest, site: Site, returnTo: string | undefined) => Promise<HandlerResult>
  /** @returns what the browser brings back from there; undefined where that is nothing of ours */
  back: (request: VerifyRequest, site: Site) => Promise<SignedOut | 'refused' | undefined>
}>

/** `/logout[?rd=…]` */
export function createLogout ({ answers }: Pick<FlowDeps, 'answers'>, { leave }: WayOut): SiteHandler {
  return (request, site) => isFromAnotherSite(request.rawHeaders)
    ? answers.page('cross_site', request)
    : leave(request, site, site.returnUrls.read(readLoginQuery(request.query ?? '').returnTo ?? ''))
}

/** `/logged-out`: Authgear has ended its session. @param loginPath absolute, of `/login` */
export function createLoggedOut (
  { answers }: Pick<FlowDeps, 'answers'>, { back }: WayOut, loginPath: string
): SiteHandler {
  return async (request, site) => {
    const signedOut = await back(request, site)
    if (signedOut === undefined) return answers.page('signed_out', request)
    if (signedOut === 'refused') return answers.page('login_unavailable', request)
    const cookie = clearedCookie(site, 'logout')
    if (signedOut.returnTo === undefined) return answers.page('signed_out', request, { cookie })
    // LOGIN_ALLOWED_HOSTS may be others by now
    const returnTo = site.returnUrls.read(signedOut.returnTo) ?? site.returnUrls.fallback
    const location = `${site.origin}${loginPath}${writeLoginQuery({ returnTo, maxAge: undefined })}`
    return answers.redirect('sent_to_login', location, cookie)
  }
}

/** A kind of session has a purpose, and a form, of its own. */
type Purpose = 'logout' | 'own logout'

/** Characters of a sealed cookie: with its name browsers keep 4,096 (RFC 6265bis, section 5.6). */
const MAX_COOKIE = 3500

/** @returns a Set-Cookie line; an address that makes it too long gives way to the site's first page */
export function signedOutCookie (
  { seal }: Pick<FlowDeps, 'seal'>, site: Site, purpose: Purpose, signedOut: SignedOut
): string {
  const sealed = seal.seal(purpose, signedOut)
  const isTooLong = signedOut.returnTo !== undefined && sealed.length > MAX_COOKIE
  const fitting = isTooLong ? seal.seal(purpose, { ...signedOut, returnTo: site.returnUrls.fallback }) : sealed
  return shortCookie(site, 'logout', fitting, LOGIN_LIFETIME_MS)
}

/** @returns undefined for what this service did not seal for that, or too long ago */
export function readSignedOut<Written extends SignedOut> (
  { seal, clock }: Pick<FlowDeps, 'seal' | 'clock'>,
  { rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>,
  site: Site,
  purpose: Purpose
): Written | undefined {
  const text = readCookie(rawHeaders, site.cookies.logout)
  const written = text === undefined ? undefined : seal.open(purpose, text) as Written | undefined
  return written !== undefined && isCurrent(written, clock.wall()) ? written : undefined
}
