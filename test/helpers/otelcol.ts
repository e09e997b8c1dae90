import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { mustFind } from './servers.ts'
import { tempDir } from './temp-dir.ts'

interface CollectedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly traceState?: string
  readonly status: Readonly<{ code?: number }>
  readonly attributes: Readonly<Record<string, string>>
  readonly resource: Readonly<Record<string, string>>
}

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  /** Everything that it was sent, byte for byte as it writes it. */
  text (): string
  spans (): readonly CollectedSpan[]
}

interface Attribute { readonly key: string, readonly value: Readonly<Record<string, unknown>> }
interface Batch {
  readonly resource: { readonly attributes?: readonly Attribute[] }
  readonly scopeSpans: ReadonlyArray<{
    readonly spans: ReadonlyArray<
      Omit<CollectedSpan, 'attributes' | 'resource'> & { readonly attributes?: readonly Attribute[] }
    >
  }>
}

/** The OpenTelemetry Collector's own OTLP receiver, writing what it got into a file. */
export async function startCollector (t: Test): Promise<Collector> {
  const [folder, port] = [tempDir(t, 'otelcol'), await freePort()]
  const [config, output] = [join(folder, 'config.yaml'), join(folder, 'spans.jsonl')]
  writeFileSync(config, `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {file: {path: ${output}, flush_interval: 20ms}}
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
`)
  await startChild(t, {
    name: 'otelcol',
    command: mustFind('otelcol'),
    args: ['--config', config],
    ready: (text) => text.includes('Everything is ready')
  })
  const text = (): string => readFileSync(output, 'utf8')
  return { url: `http://127.0.0.1:${port}`, text, spans: () => text().split('\n').filter(isWhole).flatMap(spansOf) }
}

/** The newest line may be half written. */
function isWhole (line: string): boolean {
  return line.startsWith('{') && line.endsWith('}')
}

function spansOf (line: string): readonly CollectedSpan[] {
  const { resourceSpans } = JSON.parse(line) as { resourceSpans: readonly Batch[] }
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, attributes: record(span.attributes), resource: record(resource.attributes) }))
    )
  )
}

function record (attributes: readonly Attribute[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]))
}
