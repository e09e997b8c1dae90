import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A folder of its own, as many as a test asks for (tap's testdir is one a test); gone at its end. */
export function tempDir (t: Test, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `forward-auth-${name}-`))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The files in it and below it, by their paths from there. */
export const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile())
