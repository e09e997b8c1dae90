import type { Fleet, Turn } from '../cache/coalescing.ts'
import type { CacheKey } from '../core/cache-key.ts'
import type { Accept } from '../cache/types.ts'
import type { Credentials } from '../core/credentials.ts'
import { ServiceError } from '../errors.ts'
import type { ClientTrace, Resolver, SentDigests, Verdict as ResolverVerdict } from '../authgear/resolver/types.ts'
import type { Answerer, Question, Verdict } from '../http/types.ts'
import type { Span, SpanName, Tracer } from './types.ts'

/** What a service wraps its parts in, once, when it is built: without tracing nothing is wrapped, and a request costs what it cost. */
export type Wrappers = Readonly<{
  answerer: (name: SpanName, answerer: Answerer) => Answerer
  fleet: (fleet: Fleet) => Fleet
  resolver: (resolver: Resolver) => Resolver
}>

export const UNTRACED: Wrappers = Object.freeze({ answerer: (_name: SpanName, answerer: Answerer) => answerer, fleet: (fleet: Fleet) => fleet, resolver: (resolver: Resolver) => resolver })

export function tracedBy (tracer: Tracer): Wrappers {
  return Object.freeze({
    answerer: (name: SpanName, answerer: Answerer) => traceAnswerer(tracer, name, answerer),
    fleet: (fleet: Fleet) => traceFleet(tracer, fleet),
    resolver: (resolver: Resolver) => traceResolver(tracer, resolver)
  })
}

/** Ends the span of whatever fails, and fails all the same. */
const failing = (span: Span) => (error: unknown): never => {
  span.end({}, error instanceof ServiceError ? error.code : 'UNFORESEEN')
  throw error
}

function traceAnswerer (tracer: Tracer, name: SpanName, answerer: Answerer): Answerer {
  return (question: Question) => {
    const { traceparent, tracestate } = question.trace()
    const span = tracer.start(name, { traceparent, tracestate })
    const finish = (verdict: Verdict): Verdict => {
      const { reason, source, answer: { status }, error } = verdict
      span.end({ 'http.response.status_code': status, 'forward_auth.reason': reason, 'forward_auth.source': source }, error?.code)
      return { ...verdict, trace: span.ids }
    }
    try {
      const verdict = span.inside(() => answerer(question))
      return verdict instanceof Promise ? verdict.then(finish, failing(span)) : finish(verdict)
    } catch (error) {
      return failing(span)(error)
    }
  }
}

function traceFleet (tracer: Tracer, fleet: Fleet): Fleet {
  return Object.freeze({
    async turn (key: CacheKey, accept: Accept, patienceMs?: number): Promise<Turn> {
      const span = tracer.start('cache')
      const turn = await span.inside(() => fleet.turn(key, accept, patienceMs)).catch(failing(span))
      span.end({ 'forward_auth.outcome': turn.kind === 'ask' ? 'miss' : turn.coalesced ? 'coalesced' : 'hit' })
      return turn
    }
  })
}

function traceResolver (tracer: Tracer, resolver: Resolver): Resolver {
  return Object.freeze({
    ...resolver,
    async resolve (credentials: Credentials, trace: ClientTrace, digests: SentDigests): Promise<ResolverVerdict> {
      const span = tracer.start('authgear')
      const verdict = await span.inside(() => resolver.resolve(credentials, { ...trace, ...span.carrier }, digests)).catch(failing(span))
      span.end({ 'forward_auth.outcome': verdict.resolution.kind })
      return verdict
    }
  })
}
