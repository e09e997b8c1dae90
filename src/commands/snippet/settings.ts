import { IDENTITY_HEADERS } from '../../base/core/resolution.ts'
import { BRIEF_COOKIES, ownCookieName } from '../../base/core/credentials.ts'
import { METADATA_PATH, partsOf, TOKEN_HEADERS } from '../../base/core/protected-resource.ts'

/** Headers of the client's request that this service reads or hands on to Authgear; it needs no other. */
export const FORWARDED_REQUEST_HEADERS = [
  'Authorization',
  'Cookie',
  'Accept',
  'Accept-Language',
  'User-Agent',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Site',
  'Origin',
  'Sec-Purpose',
  'X-Requested-With',
  'X-Request-ID',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
  'traceparent',
  'tracestate'
] as const

/** Those by which an MCP server knows a call. */
export const CALL_HEADERS = FORWARDED_REQUEST_HEADERS.filter((name) => /^mcp-/i.test(name))

/** Headers of a refusal that the client gets, at proxies that pass on a list of headers. */
export const FORWARDED_RESPONSE_HEADERS = [
  'Content-Type',
  'WWW-Authenticate',
  'Location',
  'Set-Cookie',
  'Cache-Control',
  'Vary',
  'Retry-After',
  'X-Forward-Auth-Reason',
  'X-Request-ID',
  'Content-Security-Policy',
  'X-Content-Type-Options',
  'Referrer-Policy'
] as const

/** As people and proxies' files write them: X-Authgear-User-Id. The last two have a value for resource tokens only. */
export const IDENTITY: readonly string[] = [...IDENTITY_HEADERS, ...TOKEN_HEADERS].map(canonical)

/** Authgear has no value for it today; a proxy that clears named headers clears this one too. */
export const UNUSED_IDENTITY = 'X-Authgear-Session-Acr'

/** The headers that a configuration copies from a 200. */
export const identityOf = ({ outgoing }: Settings): readonly string[] => [...IDENTITY, ...outgoing]

/** The headers that it strips from clients, if it strips by name. */
export const clearedOf = ({ stripped }: Settings): readonly string[] =>
  [...IDENTITY, ...stripped, UNUSED_IDENTITY]

/**
 * For a regular expression on lower case: that name with any other character for a dash, as some apps read it.
 * @param other what stands for that character
 */
export const respelled = (name: string, other = '[^a-z0-9]'): string => name.toLowerCase().replaceAll('-', other)

/** Any character: by default Envoy takes expressions of 100 steps, and a name may have 64 dashes. */
export const ENVOY_OTHER = '[!-~]'

export const lower = (names: readonly string[]): readonly string[] => names.map(name => name.toLowerCase())

/** The cookie of a session of this service, which no app needs; a demo on the browser's own machine has no HTTPS. */
const hiddenCookie = ({ host, https }: Settings): string =>
  ownCookieName(https || !/(?:^|\.)localhost$/.test(host))

const BRIEF = Object.values(BRIEF_COOKIES)

/** The same and the two brief ones, as a regular expression with one group. */
export const hiddenCookies = (settings: Settings): string => `${hiddenCookie(settings)}(${BRIEF.join('|')})?`

/** One pattern of Lua for each of them: Lua has no alternatives, and a dash means something there. */
export const hiddenInLua = (settings: Settings): readonly string[] =>
  ['', ...BRIEF].map((end) => `${hiddenCookie(settings)}${end}`.replaceAll('-', '%-'))

/** The default path of the login, and all that it has. */
const LOGIN_PATHS = ['/_auth/login', '/_auth/callback', '/_auth/logout', '/_auth/logged-out'] as const

/** The paths of the host that are this service's own: exact paths, which nobody has to sign in for. */
export function ownPaths ({ login, resources }: Settings): readonly string[] {
  const metadata = resources.map((uri) => `${METADATA_PATH}${partsOf(uri).path.replace(/\/$/, '')}`)
  const both = resources.length === 0 ? [] : [METADATA_PATH, ...metadata].flatMap((path) => [path, `${path}/`])
  return [...login ? LOGIN_PATHS : [], ...new Set(both)]
}

/** The same as a regular expression. */
export function ownPattern (settings: Settings): string {
  const login = settings.login ? ['_auth/(login|callback|logout|logged-out)'] : []
  const metadata = ownPaths({ ...settings, login: false }).filter((path) => !path.endsWith('/'))
  const all = [...login, ...metadata.map((path) => `${escaped(path.slice(1))}/?`)]
  return all.length === 1 ? `^/${all[0]}$` : `^/(${all.join('|')})$`
}

/** The comment above those routes. */
export function ownComment ({ login, resources }: Settings): string {
  const parts = [
    ...login ? ["the browser's way in and out"] : [],
    ...resources.length > 0 ? ['what a client reads to get a token'] : []
  ]
  return `${parts.join(', and ')}; exact, so that nothing else of forward-auth can be reached from outside`
}

/** `x-authgear-user-id` as `X-Authgear-User-Id`. */
export function canonical (name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}

/** A set of names in Lua. */
export const luaSet = (names: readonly string[]): string =>
  `{ ${lower(names).map((name) => `["${name}"] = true`).join(', ')} }`

/** In Lua: is this one of those names, with any other character for a dash? */
export const LUA_IDENTITY = 'identity[name:gsub("[^a-z0-9]", "-")]'

/** A host name or address with its port; `text` is how both are written together, `[::1]:80`. */
export type Address = Readonly<{ host: string, port: number, text: string }>

/** A route that asks something else than the catch-all: a path and all below it (paths.ts). */
export type Route = Readonly<{
  /** `app-` and the path's letters, for proxies that name their routes. */
  name: string
  /** No slash at its end; lower case, unless the app tells `/Admin` from `/admin`. */
  path: string
  /** It allows tokens that the catch-all refuses. */
  isOfTokens: boolean
  /** All that applies there, the catch-all's policy included. */
  policy: string
}>

/**
 * The settings of a configuration. Every text in it has passed a grammar that leaves no character a proxy's file gives
 * a meaning to.
 */
export type Settings = Readonly<{
  listen: Address
  /** Browsers reach the proxy at https://host: ports 80 and 443 of every address, IPv6 too. */
  https: boolean
  /** Address of this service, for the proxy. */
  forwardAuth: Address & Readonly<{ tls: boolean, origin: string }>
  /** Address of LISTEN_GRPC, for Envoy. */
  grpc: Address
  app: Address & Readonly<{ tls: boolean }>
  host: string
  /** The catch-all's policy; empty: a session is enough. */
  policy: string
  /** Longest path first, so that the first match is the innermost. */
  routes: readonly Route[]
  /** The app tells `/Admin` from `/admin`, and so do the routes. */
  isCaseSensitive: boolean
  login: boolean
  /** Everybody may see what has no route: the catch-all only strips. */
  isPublic: boolean
  /** Resources on this host. */
  resources: readonly string[]
  /** Beside Authgear's own: every name of every set in use, and of the parts in use. */
  outgoing: readonly string[]
  /** The headers that no client may write: those, and every name of every set and part, whether in use or not. */
  stripped: readonly string[]
}>

/** By name: the texts of one proxy's configuration. */
export type Files = Readonly<Record<string, string>>

export type Template = (settings: Settings) => Files

/** The catch-all first: what is asked where. */
export const allPolicies = (
  { policy, routes }: Pick<Settings, 'policy' | 'routes'>
): ReadonlyArray<Pick<Route, 'name' | 'policy'>> => [{ name: 'app', policy }, ...routes]

/** @returns the path and query that forward-auth is asked by: a policy with a resource is about resource tokens */
export const checkOf = (policy: string): string =>
  `${isForTokens(policy) ? '/resource' : '/verify'}${policy === '' ? '' : `?${policy}`}`

/** The app must not see a secret: such a route removes Authorization, after forward-auth was asked. */
export const takesBasic = (policy: string): boolean => /(?:^|&)basic=on(?:&|$)/.test(policy)

/** True if it has a rule by tool, which judges the headers of `CALL_HEADERS`. */
export const judgesCalls = (policy: string): boolean => /(?:^|&)(?:tool|prompt|resource_uri|tool_scope)=/.test(policy)

export const isForTokens = (policy: string): boolean => /(?:^|&)resource=/.test(policy)

/**
 * The bytes of a 200 that nginx must hold: an identity of 12 KiB; beside it 16 KiB of other names and an assertion of 4
 * KiB. A longer answer than its buffer is a 500.
 */
export const answerBuffer = ({ outgoing }: Settings): string => outgoing.length === 0 ? '16k' : '64k'

/** Policies joined: both apply. */
export const both = (one: string, other: string): string => [one, other].filter(policy => policy !== '').join('&')

/** A path for a regular expression: of what a path may hold, only the dot means something there. */
export const escaped = (path: string): string => path.replaceAll('.', '\\.')
