import type { SpanName, TraceIds } from '../../base/tracing/types.ts'

/** W3C Trace Context as it goes from one process to the next. */
export type Carrier = Readonly<{ traceparent: string | undefined, tracestate: string | undefined }>

/** Names and numbers of closed sets only: never a credential, a user, an address, or a byte that a client chose. */
export type Attributes = Readonly<Record<string, string | number>>

export type Span = Readonly<{
  ids: TraceIds
  /** Headers for the next service. */
  carrier: Carrier
  /** Work that is begun inside has this span as its parent. */
  inside: <T>(work: () => T) => T
  /** @param failure the stable code of an error */
  end: (attributes: Attributes, failure?: string) => void
}>

export interface Tracer {
  /** @param from where a request comes from another process; else the span that is under way is the parent */
  start (name: SpanName, from?: Carrier): Span
  /** Hands over what is left. */
  close (): Promise<void>
}
