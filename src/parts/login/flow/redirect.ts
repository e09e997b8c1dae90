import type { Policy } from '../../../base/core/policy.ts'
import { REFUSALS } from '../../../base/core/reason.ts'
import type { PersonRequirement } from '../../../base/core/requirement.ts'
import { LONGEST_HOST } from '../../../base/http/limits.ts'
import { hostOf } from '../../../base/http/request.ts'
import type { FindLoginRedirect, Refused } from '../../../base/verify/refuse.ts'
import type { ReturnUrls } from './return-url.ts'
import { writeLoginQuery } from './urls.ts'

/** The facts of a request that may be sent to log in, from its header lines: read in one pass, never joined. */
export type Navigation = Readonly<{
  /**
   * A page that a person opens: no frame, no script's fetch, no prefetch. A browser that does not say counts as opening
   * one.
   */
  isPage: boolean
  /** No proxy says that the client's method is another than GET or HEAD. */
  isRead: boolean
  /**
   * `X-Forwarded-Host` and `-Uri`: where to come back to, if the peer is trusted; undefined unless there is one line of
   * each.
   */
  host: string | undefined
  uri: string | undefined
}>

const LINES = new Set([
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-purpose',
  'purpose',
  'x-purpose',
  'x-moz',
  'x-forwarded-host',
  'x-forwarded-uri',
  'x-forwarded-method'
])

/** @param rawHeaders as they arrived */
export function readNavigation (rawHeaders: readonly string[]): Navigation {
  const lines = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (!LINES.has(name)) continue
    const [known, value] = [lines.get(name), rawHeaders[i + 1] ?? '']
    // never copied: a stranger may send thousands of lines
    if (known === undefined) lines.set(name, [value])
    else known.push(value)
  }
  const all = (name: string): readonly string[] => lines.get(name) ?? []
  const only = (name: string): string | undefined => all(name).length === 1 ? all(name)[0] : undefined
  return {
    isPage:
      all('sec-fetch-mode').every((mode) => mode === 'navigate' || mode === 'nested-navigate' || mode === '') &&
      all('sec-fetch-dest').every((dest) => dest === 'document' || dest === 'empty' || dest === '') &&
      ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
        .flatMap(all)
        .every((purpose) => !/prefetch|prerender|preview/i.test(purpose)),
    isRead: all('x-forwarded-method').every(isReading),
    host: only('x-forwarded-host'),
    uri: only('x-forwarded-uri')
  }
}

function isReading (method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Values of `Sec-Fetch-Site` for requests that no other site caused: `none` is the address bar or a bookmark. */
const OWN = new Set(['same-origin', 'same-site', 'none'])

/**
 * @param rawHeaders as they arrived;
 * @returns false for browsers that do not say (before 2023), which cannot be told apart
 */
export function isFromAnotherSite (rawHeaders: readonly string[]): boolean {
  return rawHeaders.some(
    (value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'sec-fetch-site' && !OWN.has(value)
  )
}

/** The reason why people land on the default page and not where they wanted to go: told to the operator. */
export type Lost = Readonly<{ why: 'proxy', address: string | undefined } | { why: 'host', host: string }>

/**
 * The place of a login, and where it may lead back to. `isHere`: people come from that very host, however the proxy
 * names it.
 */
export type LoginPlace = Readonly<{ origin: string, returnUrls: ReturnUrls, isHere?: boolean }>

/**
 * Each host has a login of its own, where sessions are ours.
 * @param placeOf what a trusted peer names, or the request itself
 */
export function createLoginRedirects (
  placeOf: (host: string | undefined) => LoginPlace | undefined,
  path: string,
  lost: (lost: Lost) => void
): FindLoginRedirect {
  const byPlace = new Map<string, FindLoginRedirect>()
  const at = (place: LoginPlace): FindLoginRedirect => {
    const known = byPlace.get(place.origin) ?? createLoginRedirect({ ...place, isHere: true }, path, lost)
    byPlace.set(place.origin, known)
    return known
  }
  return (refused) => {
    const { host, isPage } = navigationOf(refused)
    const isNamed = host !== undefined && (refused.location !== undefined || refused.isTrusted())
    const place = placeOf(isNamed ? host : hostOf(refused.rawHeaders))
    if (place !== undefined) return at(place)(refused)
    if (host === undefined || !isPage || !isReading(refused.method) || !canHelp(refused)) return undefined
    lost(isNamed ? { why: 'host', host: host.slice(0, LONGEST_HOST) } : { why: 'proxy', address: refused.peer })
    // of an untrusted proxy the page's own host may be right
    return isNamed ? { kind: 'nowhere' } : undefined
  }
}

/** @param lost told with each person who will not come back to where they wanted to go */
export function createLoginRedirect (
  { origin, returnUrls, isHere = false }: LoginPlace,
  path: string,
  lost: (lost: Lost) => void
): FindLoginRedirect {
  const base = `${origin}${path}`
  const { host: ownHost, protocol } = new URL(origin)
  const wantedBy = createWantedBy(returnUrls, protocol, lost)
  /** The proxy asks about the login's own route instead of leading there: a redirect would be one without end. */
  const isOwnRoute = ({ host, uri }: Navigation): boolean =>
    host?.replace(/:443$/, '') === ownHost && uri?.startsWith(`${path}/`) === true
  return (refused) => {
    const isForbidden = REFUSALS[refused.reason].status === 403
    if (!isReading(refused.method) || !(isForbidden || canHelp(refused))) return undefined
    const named = navigationOf(refused)
    const navigation = isHere && named.host !== undefined ? { ...named, host: ownHost } : named
    if (!navigation.isPage || !navigation.isRead) return undefined
    if (isOwnRoute(navigation)) return undefined
    if (isForbidden) {
      const returnTo = wantedBy(refused, navigation) ?? returnUrls.fallback
      return { kind: 'change', location: `${base}/logout${writeLoginQuery({ returnTo, maxAge: undefined })}` }
    }
    const policy = refused.policy()
    if (policy.kind === 'bad' || asks(policy, 'useless')) return undefined
    const query = writeLoginQuery({ returnTo: wantedBy(refused, navigation), maxAge: refused.challenge?.maxAge })
    return { kind: asks(policy, 'offer') ? 'offer' : 'redirect', location: `${base}/login${query}` }
  }
}

/** @returns which page a person wanted, if they may be sent back there */
function createWantedBy (
  returnUrls: ReturnUrls,
  protocol: string,
  lost: (lost: Lost) => void
): (refused: Refused, navigation: Navigation) => string | undefined {
  return ({ isTrusted, peer }, navigation) => {
    const trusted = isTrusted()
    const returnTo = trusted ? returnUrlOf(navigation, returnUrls, protocol) : undefined
    const { host } = navigation
    if (returnTo !== undefined || host === undefined) return returnTo
    if (!trusted) lost({ why: 'proxy', address: peer })
    else if (returnUrls.read(`${protocol}//${host}/`) === undefined) {
      lost({ why: 'host', host: host.slice(0, LONGEST_HOST) })
    }
    return undefined
  }
}

/** The client's navigation. Where the peer vouches for its own request, its method is the client's too. */
function navigationOf ({ rawHeaders, location }: Refused): Navigation {
  const navigation = readNavigation(rawHeaders)
  return location === undefined ? navigation : { ...navigation, isRead: true, ...location }
}

function asks ({ requirements }: Policy & { kind: 'understood' }, login: PersonRequirement['login']): boolean {
  return requirements.some((requirement) => requirement.kind === 'person' && requirement.login === login)
}

function canHelp ({ reason, bearer }: Refused): boolean {
  switch (reason) {
    case 'no_credentials':
    case 'invalid_session':
    case 'expired_credentials':
    case 'step_up_required': return true
    // a broken cookie is replaced by a login, an Authorization line is not
    case 'malformed_credentials': return !bearer
    default: return false
  }
}

/**
 * Always the scheme of LOGIN_PUBLIC_URL, whatever the proxy says: browsers send the session's cookie over nothing but
 * https, or to their own machine.
 */
function returnUrlOf ({ host, uri }: Navigation, { read }: ReturnUrls, protocol: string): string | undefined {
  return host === undefined || uri?.startsWith('/') !== true ? undefined : read(`${protocol}//${host}${uri}`)
}
