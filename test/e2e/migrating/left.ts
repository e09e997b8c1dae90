import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EchoApp } from '../../helpers/echo-app.ts'

/** @returns a file of left/, what people come from, with the names in capitals filled in */
export function leftFile (file: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(import.meta.dirname, 'left', file), 'utf8')
  return Object.entries(values).reduce((filled, [name, value]) => filled.replaceAll(name, () => String(value)), text)
}

/** What the app got under these names in its last request; a header that is not there is an empty one. */
export function gotten (app: EchoApp, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, app.lastHeader(name).join(' and ')]))
}
