import { type Kind, parsed, problem, quote, type Variables } from '../../base/config/kind.ts'
import { choice, duration } from '../../base/config/parsers/values.ts'
import type { PathDetail } from './line.ts'

/** Destination of the access record; `file` undefined: standard output. */
const recordSink: Kind<Readonly<{ file: string | undefined }>> = Object.freeze({
  accepts: '`stdout` or `file:` and an absolute path',
  parse: (text: string) => {
    if (text === 'stdout') return parsed({ file: undefined }, text)
    const [, file] = /^file:(\/[^\0]+)$/.exec(text) ?? []
    return file === undefined
      ? problem(`${quote(text)} is neither stdout nor a file: write stdout or file:/var/log/forward-auth/access.jsonl`)
      : parsed({ file }, text)
  }
})

const PATHS: Readonly<Record<string, PathDetail>> = { full: { kind: 'full' }, none: { kind: 'none' } }

const recordPath: Kind<PathDetail> = Object.freeze({
  accepts: '`full`, `segments:N` (1 to 20) or `none`',
  parse: (text: string) => {
    const count = Number(/^segments:(\d{1,2})$/.exec(text)?.[1])
    const detail: PathDetail | undefined = count >= 1 && count <= 20 ? { kind: 'segments', count } : PATHS[text]
    return detail === undefined
      ? problem(`${quote(text)} is none of full, segments:N (N from 1 to 20) and none`)
      : parsed(detail, text)
  }
})

export const variables = {
  ACCESS_RECORD: {
    as: 'sink',
    kind: recordSink,
    example: 'file:/var/log/forward-auth/access.jsonl',
    meaning: 'Where to write one JSON line per decision: who opened what (docs/access-record.md). Off by default.'
  },
  ACCESS_RECORD_WINDOW: {
    as: 'windowMs',
    kind: duration({ min: '1s', max: '1h', zero: true }),
    fallback: '60s',
    meaning: 'How long repeats of a decision share one line. `0`: one line each.'
  },
  ACCESS_RECORD_PATH: {
    as: 'path',
    kind: recordPath,
    fallback: 'full',
    meaning: 'How much of a path to write. Queries are never written.'
  },
  ACCESS_RECORD_ADDRESS: {
    as: 'address',
    kind: choice(['off', 'on']),
    fallback: 'off',
    meaning: "Whether to write the client's address."
  },
  ACCESS_RECORD_REQUIRED: {
    as: 'required',
    kind: choice(['off', 'on']),
    fallback: 'off',
    meaning: 'With `on`, the answer is 503 instead of 200 while the record cannot be written.'
  }
} as const satisfies Variables
