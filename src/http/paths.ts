import type { IncomingMessage } from 'node:http'
import { LOGIN_ROUTES, type LoginRoute } from '../login/settings.ts'

/** Exact: one slash too many, or `/verify#…` instead of `/verify?…`, must not drop a policy. */
const VERIFY = '/verify'
/** Envoy and Istio append the client's own path and query: neither is read. */
const EXT_AUTHZ = '/ext-authz/'
const WEBHOOK = '/webhook'
const IDENTIFY = '/identify'
const ELSEWHERE = '/404'

/** @returns the one path the router sees, so that no decoding of a router's ever decides what is a verify request */
export function canonicalVerifyPath ({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  if (url === VERIFY || url.startsWith(`${VERIFY}?`)) return VERIFY
  if (url === WEBHOOK) return WEBHOOK
  return url.startsWith(EXT_AUTHZ) ? EXT_AUTHZ : ELSEWHERE
}

/** On the listener of its own; the query is ignored. */
export function canonicalIdentifyPath ({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  return url === IDENTIFY || url.startsWith(`${IDENTIFY}?`) ? IDENTIFY : ELSEWHERE
}

/** The router's names of the login's routes: no request's own path, since each is brought to one of this file's. */
export const LOGIN_PATHS: Readonly<Record<LoginRoute, string>> = { login: '/login', callback: '/callback', logout: '/logout', 'logged-out': '/logged-out' }

/** @param prefix LOGIN_PATH; exact, as all paths here */
export function canonicalLoginPath (prefix: string): (request: Pick<IncomingMessage, 'url'>) => string {
  const paths = new Map(LOGIN_ROUTES.map((route) => [`${prefix}/${route}`, LOGIN_PATHS[route]]))
  return (request) => {
    const path = canonicalVerifyPath(request)
    return path === ELSEWHERE ? paths.get((request.url ?? '').split('?', 1)[0] ?? '') ?? ELSEWHERE : path
  }
}

/** @param url as it arrived; @returns what follows the first question mark, raw */
export function queryOf (url: string): string {
  const at = url.indexOf('?')
  return at === -1 ? '' : url.slice(at + 1)
}

export const PATHS = { verify: VERIFY, extAuthz: EXT_AUTHZ, identify: IDENTIFY, webhook: WEBHOOK } as const
