import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { speedChart, withSpeed } from '../../../docs/speed.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = 'test/bench/peers'
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/inside/performance.md')
const [, table = ''] = /<!-- bench:peers -->([^]*)<!-- \/bench:peers -->/.exec(page) ?? []
const results = JSON.parse(read('test/bench/results/peers.json'))

t.test('the page of figures shows the configuration of every service beside ours', async (t) => {
  const files = readdirSync(join(ROOT, FOLDER)).filter((name) => !name.endsWith('.mjs'))
  for (const name of files) t.ok(page.includes(`](../../${FOLDER}/${name})`), name)
})

t.test('the table of the others has the versions that the command builds', async (t) => {
  const lines = read(`${FOLDER}/modules.txt`).split('\n').filter((line) => /^[a-z]/.test(line))
  t.equal(lines.length, 2)
  for (const line of lines) {
    const [name = '', , version = ''] = line.split(' ')
    t.ok(table.includes(`${name} ${version.slice(1)}`), `${name} ${version}`)
  }
})

t.test('the table of the others is the one of its raw results', async (t) => {
  const names = results.data.rows.map(({ name }: { name: string }) => name)
  t.strictSame([...table.matchAll(/^\| (?!service|---)(.+?) \| \d/gm)].map(([, name]) => name), names)
  t.ok(table.includes(`${results.machine}.`), 'of the same machine and day')
})

t.test('docs/performance.md and its chart are what docs/speed.ts writes', async (t) => {
  t.equal(withSpeed(read('docs/performance.md')), read('docs/performance.md'))
  t.equal(speedChart(), read('docs/images/speed.svg'))
})
