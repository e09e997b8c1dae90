import { readFileSync } from 'node:fs'
import t from 'tap'
import { withFindingsTable } from '../../../docs/findings.ts'
import { CATALOGUE } from '../../../src/commands/doctor/catalogue.ts'

t.test('docs/doctor.md has the table that the code gives', async t => {
  const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8')
  t.equal(page, withFindingsTable(page, CATALOGUE))
  for (const id of Object.keys(CATALOGUE)) t.ok(page.includes(`| \`${id}\` |`), id)
})

t.test('a page without markers is an error', async t => {
  t.throws(() => withFindingsTable('# Doctor', CATALOGUE), /markers/)
})
