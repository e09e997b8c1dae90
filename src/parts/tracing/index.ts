import { definePart } from '../../base/parts/part.ts'

/** Spans by OpenTelemetry, whose own standard variables say where they go (docs/logs.md). */
export const tracing = definePart({
  name: 'tracing',
  title: 'Tracing',
  variables: {},
  example: {},
  configure: (_values, _hasValue, env) => wantsTracing(env) ? {} : undefined,
  metrics: () => ({}),
  load: async () => (await import('./open.ts')).openTracing
})

/** @returns whether the standard variables of OpenTelemetry ask for traces */
export function wantsTracing (env: NodeJS.ProcessEnv): boolean {
  const isEndpointSet = [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(
    (endpoint) => endpoint !== undefined && endpoint !== ''
  )
  return isEndpointSet && env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && env['OTEL_TRACES_EXPORTER'] !== 'none'
}
