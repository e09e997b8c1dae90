import type { PathDetail } from '../../operate/access-record/line.ts'
import { type Kind, parsed, problem, quote } from '../kind.ts'

/** Where the access record goes; `file` undefined: standard output. */
export const recordSink: Kind<Readonly<{ file: string | undefined }>> = Object.freeze({
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

export const recordPath: Kind<PathDetail> = Object.freeze({
  accepts: '`full`, `segments:N` (1 to 20) or `none`',
  parse: (text: string) => {
    const count = Number(/^segments:(\d{1,2})$/.exec(text)?.[1])
    const detail: PathDetail | undefined = count >= 1 && count <= 20 ? { kind: 'segments', count } : PATHS[text]
    return detail === undefined
      ? problem(`${quote(text)} is none of full, segments:N (N from 1 to 20) and none`)
      : parsed(detail, text)
  }
})
