import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DIFFERENCES } from '../../authgear/differences.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/inside/authgear.md'), 'utf8')

t.test('docs/inside/authgear.md lists each difference of the simulator, and no other', async (t) => {
  const [, table = ''] = /\| the simulator differs in .*\n\|[- |]+\n((?:\|.*\n)+)/.exec(PAGE) ?? []
  const rows = table.trimEnd().split('\n')
  t.strictSame(rows.map((row) => row.split(' | ')[0]), DIFFERENCES.map(({ area, name }) => `| \`${area}\`: ${name}`))
  for (const { simulated, why } of DIFFERENCES) {
    t.ok(rows.some((row) => row.includes(simulated.replace(/^200 /, '')) && row.includes(why)), why)
  }
})
