/** The ids of a trace as log lines name them. */
export type TraceIds = Readonly<{ trace_id: string, span_id: string }>

export type SpanName = 'verify' | 'identify' | 'login' | 'cache' | 'authgear'
