import type { Resolver } from '../authgear/resolver/types.ts'
import type { Handler } from '../http/types.ts'
import type { SharedCache } from '../cache/coalescing.ts'
import type { SpanName } from './types.ts'

/** Wraps handlers, the shared cache and the resolver in spans, once, as the service is built. */
export type Wrappers = Readonly<{
  handler: (name: SpanName, handler: Handler) => Handler
  sharedCache: (sharedCache: SharedCache) => SharedCache
  resolver: (resolver: Resolver) => Resolver
}>

/** Wraps nothing: a request costs what it costs. */
export const UNTRACED = Object.freeze<Wrappers>({
  handler: (_name, handler) => handler,
  sharedCache: (sharedCache) => sharedCache,
  resolver: (resolver) => resolver
})
