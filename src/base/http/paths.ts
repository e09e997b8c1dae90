import type { IncomingMessage } from 'node:http'
import type { Endpoint } from '../core/reason.ts'
import { METHODS } from './node-http.ts'
import type { Handler } from './types.ts'

/** One route of a listener; the service hands it the table. */
export type Route = Readonly<{
  /** Exact, beside any query; one that ends in a slash stands for all below it, of which nothing is read. */
  path: string
  /** Not even one that ends in a slash stands for what is below it. */
  isExact?: true
  endpoint: Endpoint
  handler: Handler
  /** All that Node's parser knows, where nothing else is said. */
  methods?: readonly string[]
}>

export const WEBHOOK_PATH = '/webhook'
const ELSEWHERE = '/404'

/** @returns the one path that Fastify's router sees, so that no decoding of a router's ever decides what is what */
export const routerPathOf = ({ url }: Pick<IncomingMessage, 'url'>): string =>
  url === WEBHOOK_PATH ? WEBHOOK_PATH : ELSEWHERE

/**
 * The first of the routes with this path and this method. The URL is compared as it arrived: one slash too many, or
 * `/verify#…` instead of `/verify?…`, must not drop a policy.
 */
export function findRoute<R extends Pick<Route, 'path' | 'isExact' | 'methods'>> (
  routes: readonly R[],
  { url = '', method = '' }: Pick<IncomingMessage, 'url' | 'method'>
): R | undefined {
  for (const route of routes) {
    if (!isAt(url, route.path, route.isExact === true)) continue
    const isTaken = route.methods === undefined ? ALL_METHODS.has(method) : route.methods.includes(method)
    return isTaken ? route : undefined
  }
  return undefined
}

/** The methods that Node's parser knows; CONNECT asks for a tunnel. */
export const ALL_METHODS: ReadonlySet<string> = new Set(METHODS.filter((name) => name !== 'CONNECT'))

function isAt (url: string, path: string, isExact: boolean): boolean {
  if (!url.startsWith(path)) return false
  return url.length === path.length || (!isExact && path.endsWith('/')) || url[path.length] === '?'
}

const EXT_AUTHZ_PATH = '/ext-authz/'

/**
 * The policy that a gateway's prefix holds: `/ext-authz/~POLICY/<the client's path>`, for those that can write neither
 * a query nor a header. Only the first segment is read.
 * @param url as it arrived, of the prefix
 * @returns undefined where the first segment is none: the rest is the client's
 */
export function pathPolicyOf (url: string): string | undefined {
  if (url[EXT_AUTHZ_PATH.length] !== '~') return undefined
  return /^[^/?]*/.exec(url.slice(EXT_AUTHZ_PATH.length + 1))?.[0]
}

/** @returns what the gateway put behind that segment: the client's own path and query; undefined without a segment */
export function clientPathOf (url: string): string | undefined {
  const policy = pathPolicyOf(url)
  if (policy === undefined) return undefined
  const path = url.slice(EXT_AUTHZ_PATH.length + 1 + policy.length)
  return path.startsWith('/') ? path : `/${path}`
}

/** @param url as it arrived; @returns what follows the first question mark, raw */
export function queryOf (url: string): string {
  const at = url.indexOf('?')
  return at === -1 ? '' : url.slice(at + 1)
}
