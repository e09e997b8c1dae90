import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/migrating.md'), 'utf8')

/** The rows of a section's table that the page marks as run, by their first cell. */
function rowsMarked (section: string): readonly string[] {
  const [, text = ''] = PAGE.split(`\n## From ${section}\n`, 2)
  const [ours = ''] = text.split('\n## ', 1)
  return [...ours.matchAll(/^\| (.+?) \|.*\| run \|$/gm)].map(([, cell = '']) => cell)
}

/** Both sides of rows of docs/migrating.md: the page marks as run those that a test here ran, and no other. */
export function rowsOf (t: Test, section: string) {
  const ran = new Set<string>()
  return {
    /** Runs both sides of rows, each named by its first cell. */
    async run (rows: readonly string[], both: (t: Test) => Promise<void>): Promise<void> {
      for (const row of rows) ran.add(row)
      await t.test(rows.join(' · '), both)
    },
    check: () => t.strictSame([...ran].toSorted(), rowsMarked(section).toSorted(), 'the page marks what was run')
  }
}
