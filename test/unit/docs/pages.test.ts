import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readOptions } from '../../../src/commands/snippet/options.ts'
import { limitsOf, PROXIES } from '../../../src/commands/snippet/proxies.ts'

const ROOT = join(import.meta.dirname, '../../..')
const DECISIONS = 'docs/decisions'
/** Lines of a decision: what a person reads at once. */
const MAX_LINES = 40
const PARTS = ['**Status**', '**Context**', '**Decision**', '**Consequences**']

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const pagesOf = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md')
/** Where these stand, each behind the one before; -1 for what is missing. */
const places = (text: string, parts: readonly string[]): readonly number[] =>
  parts.map((part) => text.indexOf(`\n\n${part}`))

t.test('docs/README.md leads to every page', (t) => {
  const map = read('docs/README.md')
  for (const page of pagesOf('docs')) t.ok(map.includes(`](${page}`), page)
  for (const page of pagesOf('docs/proxies')) t.ok(map.includes(`](proxies/${page}`), page)
  t.end()
})

t.test('every decision has one form, fits a screen, and stands in the index', (t) => {
  const index = read(`${DECISIONS}/README.md`)
  for (const page of pagesOf(DECISIONS)) {
    const text = read(join(DECISIONS, page))
    const [, number = '', title = ''] = /^# (\d{3}) (.+)$/m.exec(text) ?? []
    t.ok(page.startsWith(`${number}-`) && text.startsWith(`# ${number} `), `${page}: its heading has its number`)
    t.ok(index.includes(`| [${number}](${page}) | ${title} | `), `${page}: the index has number and title`)
    const found = places(text, PARTS)
    t.ok(found.every((place, i) => place > (found[i - 1] ?? 0)), `${page}: ${PARTS.join(', ')}`)
    t.ok(text.split('\n').length <= MAX_LINES + 1, `${page}: at most ${MAX_LINES} lines`)
  }
  t.equal(index.match(/^\| \[\d{3}\]/gm)?.length, pagesOf(DECISIONS).length, 'the index has no other row')
  t.end()
})

t.test('the labels of README.md are the four of docs/second-app.md', (t) => {
  const labelsOf = (text: string): readonly string[] => text.match(/^ +- traefik\..*$/gm)?.map((line) => line.trim()) ?? []
  t.equal(labelsOf(read('README.md')).length, 4)
  t.strictSame(labelsOf(read('README.md')), labelsOf(read('docs/second-app.md')))
  t.end()
})

t.test('the snippet command of README.md is one that snippet accepts', (t) => {
  const [, line = ''] = /^node dist\/main\.js snippet (.+)$/m.exec(read('README.md')) ?? []
  const reading = readOptions(line.split(' ').map((word) => word.replaceAll("'", '')), PROXIES)
  t.match(reading, { kind: 'options' })
  if (reading.kind === 'options') t.strictSame(limitsOf(reading.options.proxy, reading.options.settings), [])
  t.end()
})

t.test('docs/interface.md lists the proxies of snippet, and no other', (t) => {
  const [, list = ''] = / Proxies: (.+)\.$/m.exec(read('docs/interface.md')) ?? []
  t.strictSame(list.split(', ').map((name) => name.replaceAll('`', '')), [...PROXIES])
  t.end()
})

t.test('no page runs a package of ours from npm before there is one', (t) => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...['docs', 'docs/proxies', DECISIONS].flatMap((folder) => pagesOf(folder).map((page) => join(folder, page)))
  ]
  for (const page of [...pages, 'docs/README.md', 'docs/proxies/README.md']) {
    t.notMatch(read(page), /\bnpx\b(?! tap )|\bnpm (?:i|install|exec)\b.* authgear-forward-auth/, page)
  }
  t.end()
})
