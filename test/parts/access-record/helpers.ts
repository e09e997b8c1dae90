import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A line of the access record. */
export type RecordLine = Readonly<Record<string, unknown>>

/** Each line by itself: a file of anything but whole lines of JSON is an error. */
export const recordedIn = (file: string): readonly RecordLine[] =>
  readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as RecordLine)

/** A file for a record, with the variable that names it. */
export function recordFile (t: Test): Readonly<{ file: string, ACCESS_RECORD: string }> {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  return { file, ACCESS_RECORD: `file:${file}` }
}
