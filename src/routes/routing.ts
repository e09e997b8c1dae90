import type { IncomingMessage } from 'node:http'

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

/** @param url as it arrived; @returns what follows the question mark, raw */
export function verifyQuery (url: string): string {
  return url.slice(VERIFY.length + 1)
}

export const PATHS = { verify: VERIFY, extAuthz: EXT_AUTHZ, identify: IDENTIFY, webhook: WEBHOOK } as const
