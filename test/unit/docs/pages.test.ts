import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readOptions } from '../../../src/commands/snippet/options.ts'
import { limitsOf, PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { REFUSALS } from '../../../src/base/core/reason.ts'
import { PARAMETERS, PERSON_PARAMETERS } from '../../../src/base/core/requirement.ts'
import { readSnippet } from '../../e2e/snippets.ts'

const ROOT = join(import.meta.dirname, '../../..')
const INSIDE = 'docs/inside'
const DECISIONS = `${INSIDE}/decisions`
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const pagesOf = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md')
t.test('docs/README.md and docs/inside/README.md lead to every page', async (t) => {
  const map = read('docs/README.md')
  for (const page of pagesOf('docs')) t.ok(map.includes(`](${page}`), page)
  for (const page of pagesOf('docs/proxies')) t.ok(map.includes(`](proxies/${page}`), page)
  for (const page of pagesOf(INSIDE)) t.ok(read(`${INSIDE}/README.md`).includes(`](${page}`), page)
})

t.test('the index of decisions has number and title of each, and no other', async (t) => {
  const index = read(`${DECISIONS}/README.md`)
  for (const page of pagesOf(DECISIONS)) {
    const [, number = '', title = ''] = /^# (\d{3}) (.+)$/m.exec(read(join(DECISIONS, page))) ?? []
    t.ok(page.startsWith(`${number}-`) && index.includes(`| [${number}](${page}) | ${title} | `), page)
  }
  t.equal(index.match(/^\| \[\d{3}\]/gm)?.length, pagesOf(DECISIONS).length)
})

t.test('the labels of README.md are the four of docs/second-app.md', async (t) => {
  const labelsOf = (text: string): readonly string[] => text.match(/^ +- traefik\..*$/gm)?.map((line) => line.trim()) ?? []
  t.equal(labelsOf(read('README.md')).length, 4)
  t.strictSame(labelsOf(read('README.md')), labelsOf(readSnippet('second-app.md', 'a second app')))
})

t.test('the snippet command of README.md is one that snippet accepts', async (t) => {
  const [, line = ''] = /^(?:node dist\/main\.js|npx authgear-forward-auth) snippet (.+)$/m.exec(read('README.md')) ?? []
  const reading = readOptions(line.split(' ').map((word) => word.replaceAll("'", '')))
  t.match(reading, { kind: 'options' })
  if (reading.kind === 'options') t.strictSame(limitsOf(reading.options.proxy, reading.options.settings), [])
})

t.test('docs/interface.md lists the proxies of snippet, and no other', async (t) => {
  const [, list = ''] = / Proxies: (.+)\.$/m.exec(read('docs/interface.md')) ?? []
  t.strictSame(list.split(', ').map((name) => name.replaceAll('`', '')), [...PROXIES])
})

t.test('the pages have every parameter of a policy and every reason', async (t) => {
  for (const name of Object.keys(PARAMETERS)) t.ok(read('docs/interface.md').includes(`\`${name}=`), name)
  for (const name of Object.keys(PERSON_PARAMETERS)) t.ok(read('docs/policies.md').includes(`\`${name}=`), name)
  for (const reason of Object.keys(REFUSALS)) t.ok(read('docs/interface.md').includes(`\`${reason}\``), reason)
})

t.test('the tests that docs/inside/contributing-tasks.md quotes have those names', async (t) => {
  const quoted = [...read('docs/inside/contributing-tasks.md').matchAll(/`([\w/-]+\.test\.ts)`: \*([^*]+)\*/g)]
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  t.ok(quoted.length > 7)
  for (const [, file = '', name = ''] of quoted) {
    const path = files.find((one) => join('test', one).endsWith(file)) ?? ''
    t.ok(read(join('test', path)).includes(name), `${file}: ${name}`)
  }
})
