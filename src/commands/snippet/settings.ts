/** A host name or address with its port; `text` is how both are written together, `[::1]:80`. */
export type Address = Readonly<{ host: string, port: number, text: string }>

/** A route that asks more than the catch-all. */
export type Route = Readonly<{
  /** `app-` and the path's letters, for proxies that name their routes. */
  name: string
  /** Lower case, no slash at its end: every proxy compares it without case, as the beginning of the path. */
  path: string
  /** All that applies there, the catch-all's policy included. */
  policy: string
}>

/** What a configuration is made for. Every text in it has passed a grammar that leaves no character a proxy's file gives a meaning to. */
export type Settings = Readonly<{
  listen: Address
  /** Where the proxy finds this service. */
  adapter: Address & Readonly<{ tls: boolean, origin: string }>
  app: Address
  host: string
  /** The catch-all's policy; empty: a session is enough. */
  policy: string
  /** Longest path first, so that the first match is the strictest. */
  routes: readonly Route[]
  login: boolean
}>

/** By name: the texts of one proxy's configuration. */
export type Files = Readonly<Record<string, string>>

export type Template = (settings: Settings) => Files

/** The catch-all first: what is asked where. */
export const allPolicies = ({ policy, routes }: Settings): ReadonlyArray<Omit<Route, 'path'>> => [{ name: 'app', policy }, ...routes]

/** @returns the query with its question mark, or nothing */
export const query = (policy: string): string => policy === '' ? '' : `?${policy}`

/** Policies joined: both apply. */
export const both = (one: string, other: string): string => [one, other].filter(policy => policy !== '').join('&')

/** A path for a regular expression: of what a path may hold, only the dot means something there. */
export const escaped = (path: string): string => path.replaceAll('.', '\\.')
