import { readBearerAlone } from '../../../base/core/credentials.ts'
import { credentialsOfCookie } from '../sessions/cookie.ts'
import { SessionsUnreachable } from '../errors.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { isFromAnotherSite } from '../redirect.ts'
import { LOGIN_LIFETIME_MS, readSignedOut, signedOutCookie } from '../flow/seal.ts'
import { readLoginQuery, writeLoginQuery } from '../flow/login-query.ts'
import { whoOf } from '../responses.ts'
import type { OwnRecord } from '../sessions/record.ts'
import { endCookie, forgetValid } from './end-cookie.ts'
import { allSessionCookies, clearedCookie, type Site } from '../sites.ts'
import type { SiteHandler } from '../flow/flow.ts'
import type { OwnLoginDeps } from '../flow/sign-in.ts'

/** The value that travels to `/logged-out`. */
export type SignedOut = Readonly<{ returnTo: string, issuedAt: number }>

/** `/logout[?rd=…]`: ends this session on every replica, and has Authgear end it. */
export function createOwnLogout (deps: OwnLoginDeps): SiteHandler {
  const { answers, authgear, seal, clock, stepped } = deps
  return async (request, site) => {
    if (isFromAnotherSite(request.rawHeaders)) return answers.page('cross_site', request)
    const returnTo = site.returnUrls.read(readLoginQuery(request.query ?? '').returnTo ?? '')
    const ended = await endBoth(deps, request, site)
    if (ended.kind === 'failed') return ended.result
    const { record, who } = ended
    if (record !== undefined) stepped('signed_out')
    const cookies = [clearedCookie(site, 'session')]
    if (authgear.comesBack(site) && returnTo !== undefined) {
      cookies.push(signedOutCookie(seal, site, 'own logout', { returnTo, issuedAt: clock.wall() } satisfies SignedOut))
    }
    return { ...answers.redirect('signing_out', authgear.endSession(site, record?.idToken), cookies), who }
  }
}

type Ended =
  | Readonly<{ kind: 'ended', record: OwnRecord | undefined, who: HandlerResult['who'] }>
  | Readonly<{ kind: 'failed', result: HandlerResult }>

/** The cookie's session, and what is remembered of a token beside it: neither hides the other. */
async function endBoth (deps: OwnLoginDeps, request: VerifyRequest, site: Site): Promise<Ended> {
  const { answers, revokeLater } = deps
  const failed = (rest: Partial<HandlerResult> = {}): Ended =>
    ({ kind: 'failed', result: { ...answers.page('login_unavailable', request), ...rest } })
  const ended: Array<Readonly<{ own: string, record: OwnRecord }>> = []
  for (const own of allSessionCookies(request, site)) {
    const one = await endCookie(deps, request, own, ({ refreshToken }) => revokeLater.add(refreshToken))
    if (one.kind !== 'done') return failed({ error: new SessionsUnreachable() })
    if (one.value !== undefined) ended.push({ own, record: one.value })
  }
  const bearer = readBearerAlone(request.rawHeaders)
  if (bearer.kind === 'credentials' && await forgetValid(deps, request, bearer.credentials) === 'refused') {
    return failed()
  }
  const [first] = ended
  if (first === undefined) return { kind: 'ended', record: undefined, who: undefined }
  const { own, record } = first
  return { kind: 'ended', record, who: whoOf(deps.keyer, credentialsOfCookie(own), record.userId) }
}

/** `/logged-out`: Authgear has ended its session. */
export function createOwnLoggedOut (deps: OwnLoginDeps): SiteHandler {
  const { answers, seal, clock, loginPath } = deps
  return (request, site) => {
    const opened = readSignedOut(seal, request, site, 'own logout') as SignedOut | undefined
    if (opened === undefined || Math.abs(clock.wall() - opened.issuedAt) > LOGIN_LIFETIME_MS) {
      return answers.page('signed_out', request)
    }
    const cookie = clearedCookie(site, 'logout')
    const returnTo = site.returnUrls.read(opened.returnTo) ?? site.returnUrls.fallback
    const location = `${site.origin}${loginPath}${writeLoginQuery({ returnTo, maxAge: undefined })}`
    return answers.redirect('sent_to_login', location, cookie)
  }
}
