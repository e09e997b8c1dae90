/** W3C Trace Context as it goes from one process to the next. */
export type Carrier = Readonly<{ traceparent: string | undefined, tracestate: string | undefined }>

/** As log lines name them. */
export type TraceIds = Readonly<{ trace_id: string, span_id: string }>

/** Names and numbers of closed sets only: never a credential, a user, an address, or a byte that a client chose. */
export type Attributes = Readonly<Record<string, string | number>>

export type SpanName = 'verify' | 'identify' | 'login' | 'cache' | 'authgear'

export type Span = Readonly<{
  ids: TraceIds
  /** Headers for the next service. */
  carrier: Carrier
  /** What is begun inside has this span as its parent. */
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
