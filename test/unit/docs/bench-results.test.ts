import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = join(ROOT, 'test/bench/results')
const page = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8')

t.test('raw results are those of the table on the page: of the same machine and day', (t) => {
  const files = readdirSync(FOLDER)
  t.ok(files.length > 0)
  for (const file of files) {
    const name = file.replace('.json', '')
    const [, table = ''] = new RegExp(`<!-- bench:${name} -->([^]*)<!-- /bench:${name} -->`).exec(page) ?? []
    t.ok(table.includes(`\n${JSON.parse(readFileSync(join(FOLDER, file), 'utf8')).machine}.\n`), name)
  }
  t.end()
})
