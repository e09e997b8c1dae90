import { describe, type Log } from '../logging/log.ts'
import type { Tracer } from '../tracing/types.ts'

/** Whether the standard variables of OpenTelemetry ask for traces. */
export function wantsTracing (env: NodeJS.ProcessEnv): boolean {
  const isEndpointSet = [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(
    (endpoint) => endpoint !== undefined && endpoint !== ''
  )
  return isEndpointSet && env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && env['OTEL_TRACES_EXPORTER'] !== 'none'
}

/** The library is loaded only where it is asked for: without it neither the start nor a request pays anything. */
export async function tracerOf (env: NodeJS.ProcessEnv, version: string, log: Log): Promise<Tracer | undefined> {
  if (!wantsTracing(env)) return undefined
  const { openTracing } = await import('../tracing/otel.ts')
  return openTracing(version, {
    failed: (error) =>
      log.warn(
        { error: describe(error) },
        'traces cannot be handed over: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector; said once until it works ' +
          'again'
      )
  })
}
