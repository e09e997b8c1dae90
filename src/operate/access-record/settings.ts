/** What of a path is written: all of it, its first segments, or nothing. A query never is. */
export type PathDetail = Readonly<{ kind: 'full' } | { kind: 'segments', count: number } | { kind: 'none' }>

/** ACCESS_RECORD…: docs/access-record.md. */
export type AccessRecordSettings = Readonly<{
  /** Undefined: standard output, between the lines of the log. */
  file: string | undefined
  /** Milliseconds in which repeats fold into one line; 0: each by itself. */
  windowMs: number
  path: PathDetail
  /** Whether the client's address is written. */
  address: boolean
  /** What cannot be written is not allowed. */
  isRequired: boolean
}>
