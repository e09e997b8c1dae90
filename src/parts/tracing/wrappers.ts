import type { SharedCache, SharedLookup } from '../../base/cache/coalescing.ts'
import type { CacheKeys, SentDigests } from '../../base/core/cache-key.ts'
import type { Accept } from '../../base/cache/types.ts'
import type { Credentials } from '../../base/core/credentials.ts'
import { ServiceError } from '../../base/errors.ts'
import type { ClientTrace, Resolver, ResolverResult } from '../../base/authgear/resolver/types.ts'
import type { Handler, VerifyRequest, HandlerResult } from '../../base/http/types.ts'
import type { SpanName } from '../../base/tracing/types.ts'
import type { Wrappers } from '../../base/tracing/wrappers.ts'
import type { Span, Tracer } from './types.ts'

export function tracedBy (tracer: Tracer): Wrappers {
  return Object.freeze<Wrappers>({
    handler: (name, handler) => traceHandler(tracer, name, handler),
    sharedCache: (sharedCache) => traceSharedCache(tracer, sharedCache),
    resolver: (resolver) => traceResolver(tracer, resolver)
  })
}

/** Ends the span of whatever fails, and fails all the same. */
const failing = (span: Span) => (error: unknown): never => {
  span.end({}, error instanceof ServiceError ? error.code : 'UNFORESEEN')
  throw error
}

function traceHandler (tracer: Tracer, name: SpanName, handler: Handler): Handler {
  return (request: VerifyRequest) => {
    const { traceparent, tracestate } = request.trace()
    const span = tracer.start(name, { traceparent, tracestate })
    const finish = (result: HandlerResult): HandlerResult => {
      const { reason, source, response: { status }, error } = result
      span.end(
        { 'http.response.status_code': status, 'forward_auth.reason': reason, 'forward_auth.source': source },
        error?.code
      )
      return { ...result, trace: span.ids }
    }
    try {
      const result = span.inside(() => handler(request))
      return result instanceof Promise ? result.then(finish, failing(span)) : finish(result)
    } catch (error) {
      return failing(span)(error)
    }
  }
}

function traceSharedCache (tracer: Tracer, sharedCache: SharedCache): SharedCache {
  return Object.freeze({
    async lookup (keys: CacheKeys, accept: Accept, leaseWaitMs?: number): Promise<SharedLookup> {
      const span = tracer.start('cache')
      const lookup = await span.inside(() => sharedCache.lookup(keys, accept, leaseWaitMs)).catch(failing(span))
      span.end({ 'forward_auth.outcome': lookup.kind === 'ask' ? 'miss' : lookup.coalesced ? 'coalesced' : 'hit' })
      return lookup
    },
    async read (keys: CacheKeys, accept: Accept) {
      const span = tracer.start('cache')
      const known = await span.inside(() => sharedCache.read(keys, accept)).catch(failing(span))
      span.end({ 'forward_auth.outcome': known === undefined ? 'miss' : 'hit' })
      return known
    }
  })
}

function traceResolver (tracer: Tracer, resolver: Resolver): Resolver {
  return Object.freeze({
    ...resolver,
    async resolve (credentials: Credentials, trace: ClientTrace, digests: SentDigests): Promise<ResolverResult> {
      const span = tracer.start('authgear')
      const result = await span
        .inside(() => resolver.resolve(credentials, { ...trace, ...span.carrier }, digests))
        .catch(failing(span))
      span.end({ 'forward_auth.outcome': result.resolution.kind })
      return result
    }
  })
}
