/**
 * The table of docs/inside/security-tests.md, read from the calls of `advisory` in the folders `security` of the tests:
 * from an advisory to the test that it cannot happen here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { tableOf, withGenerated } from './generated.ts'

const TEXT = String.raw`((?:'(?:[^'\\]|\\.)*'(?:\s*\+\s*)?)+|"[^"]*")`
const ROW = new RegExp(String.raw`advisory\(\s*t,\s*${TEXT},\s*${TEXT}`, 'g')

/** @returns the rows, sorted: names, what went wrong, file */
export function advisories (): ReadonlyArray<Readonly<{ names: string, fault: string, file: string }>> {
  const folder = new URL('../test/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?:^|\/)security\/.*\.ts$/.test(name)).sort()
  const rows = files.flatMap((file) =>
    Array.from(readFileSync(new URL(file, folder), 'utf8').matchAll(ROW), ([, names = '', fault = '']) => ({
      names: plain(names),
      fault: plain(fault),
      file
    }))
  )
  return rows.sort(
    (one, other) => one.names.localeCompare(other.names, 'en') || one.file.localeCompare(other.file, 'en')
  )
}

/** @param text one literal, or several joined by + */
const plain = (text: string): string => text.replace(/'\s*\+\s*'/g, '').slice(1, -1).replaceAll("\\'", "'")

export function withAdvisories (page: string): string {
  const rows = advisories().map(({ names, fault, file }) => [names, fault, `[${basename(file)}](../../test/${file})`])
  return withGenerated(page, 'test/security', tableOf(['advisory', 'what went wrong there', 'test here'], rows))
}
