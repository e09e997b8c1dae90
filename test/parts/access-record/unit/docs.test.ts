import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const PAGE = read('docs/access-record.md')
const ROWS = [...PAGE.matchAll(/^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  .map(([, names = '', says = '', source = '', choice = '']) => ({
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name), says, source, choice
  }))

/** Around each decision, and of a revocation: src/parts/access-record/record.ts. */
const OTHERS = [
  'record', 'seq', 'replica', 'run', 'missing', 'at', 'count', 'first', 'last', 'event', 'origin', 'target'
]

t.test('each field of a line is in the page, with its source, and no other', async (t) => {
  const source = read('src/parts/access-record/line.ts')
  const [, decided = ''] = /^export type Decided = Readonly<{\n([^]*?)^}>/m.exec(source) ?? []
  const fields = [...decided.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = '']) => name)
  t.ok(fields.length > 15)
  t.strictSame(ROWS.flatMap(({ names }) => names).toSorted(), [...fields, ...OTHERS].toSorted())
  for (const row of ROWS) t.ok(row.says.length > 5 && row.source.length > 5, row.names.join())
})

t.test('the page says which fields a client can choose', async (t) => {
  for (const { names, choice } of ROWS) t.match(choice, /^(no$|\*\*yes\*\*)/, names.join())
  const chosen = ROWS.filter(({ choice }) => choice.startsWith('**yes**')).flatMap(({ names }) => names)
  t.strictSame(chosen, ['host', 'method', 'path', 'mcp_method', 'tool', 'policy', 'request', 'trace'])
})

t.test('the lines of the fixture have no other field', async (t) => {
  const known = new Set(ROWS.flatMap(({ names }) => names))
  for (const line of read('test/fixtures/access.jsonl').trim().split('\n')) {
    for (const name of Object.keys(JSON.parse(line) as object)) t.ok(known.has(name), name)
  }
})

t.test('what was not run is said so', async (t) => {
  for (const program of ['Vector', 'Fluent Bit']) t.match(PAGE, `### ${program} (not run by us)`)
})
