import { closeSync, existsSync, fchmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { rows } from '../app/config.ts'
import type { Out } from './command-line.ts'
import type { Files } from './snippet/settings.ts'

type Target = Readonly<{ folder: string, isForced: boolean }>

/** Holds secrets: nobody else may read it, and none of them is shown. */
export const ENV_FILE = '.env'

/**
 * Nothing is overwritten unless it is asked for: an operator may have added to a file.
 * @returns `refused`: something else is there, and was shown; `failed`: the system's reason was
 */
export function writeFiles (
  { folder, isForced }: Target, files: Files, out: Out, err: Out
): 'written' | 'refused' | 'failed' {
  try {
    const changes = Object.entries(files).map(([name, text]) => ({
      name, text, change: changeOf(name, textAt(join(folder, name)), text)
    }))
    const others = changes.flatMap(({ name, change }) => change.kind === 'other' ? [{ name, shown: change.shown }] : [])
    if (others.length > 0 && !isForced) return refuse(folder, others, err)
    const written = changes.filter(({ change }) => change.kind !== 'same')
    for (const { name, text } of written) write(join(folder, name), text, name === ENV_FILE)
    out.write(written.length === 0
      ? `${Object.keys(files).join(', ')} in ${folder} are as they would be written\n`
      : `wrote ${written.map(({ name }) => name).join(', ')} to ${folder}\n`)
    return 'written'
  } catch (error) {
    // the system's words name the path and what is wrong with it
    if (!(error instanceof Error && 'code' in error)) throw error
    err.write(`error: ${error.message}\n`)
    return 'failed'
  }
}

/** A mode is for a file that is new: one that is there, and now gets a secret, is closed to others first. */
function write (path: string, text: string, isSecret: boolean): void {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'w', isSecret ? 0o600 : 0o666)
  try {
    if (isSecret) fchmodSync(file, 0o600)
    writeFileSync(file, text)
  } finally {
    closeSync(file)
  }
}

type Other = Readonly<{ name: string, shown: string }>

function refuse (folder: string, others: readonly Other[], err: Out): 'refused' {
  for (const { name, shown } of others) err.write(`--- ${join(folder, name)}\n+++ as it would be written\n${shown}\n`)
  const names = others.map(({ name }) => name).join(', ')
  err.write(`error: ${names} in ${folder} would be overwritten: nothing was written; `)
  return 'refused'
}

/** @throws where a path is there and cannot be read */
export function textAt (path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** The effect of writing a file on the one that is there. */
type Change =
  | Readonly<{ kind: 'new' | 'same' }>
  | Readonly<{ kind: 'other', shown: string }>

/** So many lines of a difference are shown. */
const MAX_SHOWN = 60
/** Lines of a file that are compared; nothing that `snippet` writes is longer. */
const MAX_LINES = 2000

/** @param there undefined: there is no such file */
function changeOf (name: string, there: string | undefined, wanted: string): Change {
  if (there === undefined) return { kind: 'new' }
  if (there === wanted) return { kind: 'same' }
  return { kind: 'other', shown: name === ENV_FILE ? variablesOf(there, wanted) : shownOf(there, wanted) }
}

/** The variables that would change, before and after. */
function variablesOf (there: string, wanted: string): string {
  const [before, after] = [parseEnv(there), parseEnv(wanted)]
  const names = Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name])
  return names.flatMap((name) => [...lineOf('-', name, before[name]), ...lineOf('+', name, after[name])]).join('\n')
}

const lineOf = (sign: '-' | '+', name: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [`${sign}${name}=${isOpen(name) ? value : '…'}`]

/** True if its value may be shown; another program's variable may be a secret. */
const isOpen = (name: string): boolean =>
  rows.some((row) => row.name === name && row.variable.secret !== true)

/** Lines that are there with a minus, lines that would be with a plus, and no others. */
function shownOf (there: string, wanted: string): string {
  const lines = differences(there.split('\n').slice(0, MAX_LINES), wanted.split('\n').slice(0, MAX_LINES))
  const rest = lines.length - MAX_SHOWN
  return (rest > 0 ? [...lines.slice(0, MAX_SHOWN), `… and ${rest} lines more`] : lines).join('\n')
}

/** By the longest common subsequence. */
function differences (there: readonly string[], wanted: readonly string[]): readonly string[] {
  const common = commonLengths(there, wanted)
  const lengthAt = (i: number, j: number): number => common[i]?.[j] ?? 0
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < there.length || j < wanted.length) {
    if (i < there.length && there[i] === wanted[j]) {
      i++
      j++
    } else if (j < wanted.length && (i === there.length || lengthAt(i, j + 1) > lengthAt(i + 1, j))) {
      lines.push(`+${wanted[j++]}`)
    } else {
      lines.push(`-${there[i++]}`)
    }
  }
  return lines
}

/** @returns for each pair of places how many lines the rest of both have in common, in order */
function commonLengths (there: readonly string[], wanted: readonly string[]): readonly Uint16Array[] {
  const table = Array.from({ length: there.length + 1 }, () => new Uint16Array(wanted.length + 1))
  for (let i = there.length - 1; i >= 0; i--) {
    for (let j = wanted.length - 1; j >= 0; j--) {
      const [row, below] = [table[i], table[i + 1]]
      if (row === undefined) continue
      row[j] = there[i] === wanted[j]
        ? (below?.[j + 1] ?? 0) + 1
        : Math.max(below?.[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
