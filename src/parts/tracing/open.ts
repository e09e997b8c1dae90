import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Context,
  type Span as OtelSpan,
  type SpanContext
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { describe } from '../../base/logging/log.ts'
import type { SpanName } from '../../base/tracing/types.ts'
import type { Given } from '../../base/parts/given.ts'
import type { Attributes, Carrier, Span, Tracer } from './types.ts'
import { tracedBy } from './wrappers.ts'

const NAME = 'authgear-forward-auth'
/** How long a stopping process waits for its last spans. */
const FLUSH_WITHIN_MS = 2000
const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  verify: SpanKind.SERVER,
  identify: SpanKind.SERVER,
  login: SpanKind.SERVER,
  cache: SpanKind.CLIENT,
  authgear: SpanKind.CLIENT
}

const NOT_HANDED_OVER =
  'traces cannot be handed over: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector; said once until it works again'

export function openTracing (_settings: object, { version, log }: Given) {
  const tracer = createTracer(version, (error) => log.warn({ error: describe(error) }, NOT_HANDED_OVER))
  return Object.freeze({
    wraps: tracedBy(tracer), close: tracer.close, gauges: {}
  })
}

/**
 * Sends spans by OTLP over HTTP, as the standard OTEL_* variables say: endpoint, headers, sampler, batches, resource.
 * Nothing global is set, so that no other library's spans come along.
 * @param failed told once until it works again
 */
function createTracer (version: string, failed: (error: unknown) => void): Tracer {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': NAME, 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector] }))
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(telling(new OTLPTraceExporter(), failed))]
  })
  const tracer = provider.getTracer(NAME, version)
  const underway = new AsyncLocalStorage<Context>()
  return Object.freeze({
    start (name: SpanName, from?: Carrier): Span {
      const parent = from === undefined ? underway.getStore() ?? ROOT_CONTEXT : contextOf(from)
      const span = tracer.startSpan(name, { kind: KINDS[name] }, parent)
      const context = trace.setSpan(parent, span)
      return wrap(span, (work) => underway.run(context, work))
    },
    close: async () => {
      await Promise.race([provider.shutdown().catch(() => {}), sleep(FLUSH_WITHIN_MS, undefined, { ref: false })])
    }
  })
}

function wrap (span: OtelSpan, inside: Span['inside']): Span {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')
  return {
    ids: { trace_id: traceId, span_id: spanId },
    carrier: { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() },
    inside,
    end (attributes: Attributes, failure?: string): void {
      span.setAttributes(attributes)
      if (failure !== undefined) span.setAttribute('error.type', failure).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }
}

/** @param carrier as `client-trace` read it: a traceparent is valid, or is not there */
function contextOf ({ traceparent, tracestate }: Carrier): Context {
  const [, traceId = '', spanId = '', flags = ''] = traceparent?.split('-') ?? []
  if (traceId === '') return ROOT_CONTEXT
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) })
  }
  return trace.setSpanContext(ROOT_CONTEXT, context)
}

/** Tells of failures, which the library keeps to itself. */
function telling (exporter: SpanExporter, failed: (error: unknown) => void): SpanExporter {
  let isFailing = false
  return {
    export (spans, callback) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined && !isFailing) failed(result.error)
        isFailing = result.error !== undefined
        callback(result)
      })
    },
    shutdown: () => exporter.shutdown()
  }
}
