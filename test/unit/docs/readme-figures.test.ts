import { readFileSync } from 'node:fs'
import t from 'tap'

const text = (page: string): string => readFileSync(page, 'utf8')
const ROW = /^\| (?<service>[\w -]+) \|.*\[(?<rate>[\d,]+)\]\(docs\/performance\.md#beside-others\) \|$/gm
const MEASURED = /^\| \**(?<service>[\w -]+?)\**, [^|]+ \| (?<rate>[\d,]+) \|/gm

t.test('README compares by the rates that were measured last, of each service the best', async (t) => {
  const measured = [...text('docs/performance.md').matchAll(MEASURED)].map(({ groups }) => groups)
  const shown = [...text('README.md').matchAll(ROW)].map(({ groups }) => groups)
  t.ok(shown.length > 2, 'the table is there')
  for (const row of shown) {
    const best = measured.find((one) => one?.['service'] === row?.['service'])
    t.equal(row?.['rate'], best?.['rate'], String(row?.['service']))
  }
})
