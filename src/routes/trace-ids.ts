import type { FastifyRequest } from 'fastify'
import type { TraceIds } from '../tracing/tracer.ts'

/** W3C Trace Context, version 00 and what later ones keep of it; ids of zeros alone and version ff are none. */
export const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/

/** What a log line says of the trace that a request is part of: nothing, where it is part of none. Read only when a line is written. */
export function traceIdsOf ({ headers: { traceparent } }: Pick<FastifyRequest, 'headers'>): TraceIds | undefined {
  const [, traceId, spanId] = (typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null) ?? []
  return traceId === undefined || spanId === undefined ? undefined : { trace_id: traceId, span_id: spanId }
}
