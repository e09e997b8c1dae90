import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { EVERY_WAY } from '../../e2e/proxies.ts'
import { type Guard, GUARDS } from './proxy-guards.ts'
import { filesOf, textOf } from './snippet-of.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PROXIES_PAGE = readFileSync(join(ROOT, 'docs/proxies/README.md'), 'utf8')
/** What test/e2e runs, in one text. */
const E2E = readdirSync(join(ROOT, 'test/e2e')).filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(ROOT, 'test/e2e', name), 'utf8')).join('')
const RUN: readonly string[] = EVERY_WAY.map(({ snippet }) => snippet)
/** In lower case: header names are compared without case. */
const written = (proxy: string, ...options: readonly string[]): string =>
  textOf(filesOf(proxy, ...options)).toLowerCase()
const absent = (guard: Guard, text: string): readonly string[] =>
  'texts' in guard ? guard.texts.filter((one) => !text.includes(one.toLowerCase())) : []

for (const proxy of PROXIES) {
  const { checked, parameter, hops } = GUARDS[proxy]
  t.test(`${proxy}: the guards of proxy-guards.ts stand in what is written, or it says why not`, async (t) => {
    for (const options of [[], ['--policy', '/admin=role=admin', '--login']]) {
      const text = written(proxy, ...options)
      t.strictSame(absent(parameter, text), [], 'against /;/admin')
      t.strictSame(absent(hops, text), [], 'against headers for one hop only')
    }
    for (const guard of [parameter, hops]) t.ok('texts' in guard ? guard.texts.length > 0 : guard.without.length > 40)
  })

  t.test(`${proxy}: its page says how far it is tested, and test/e2e runs it or not`, async (t) => {
    t.equal(RUN.includes(proxy), checked.by === 'run', 'it is in test/e2e/proxies.ts')
    const name = proxy.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    t.equal(E2E.includes(`\ntestProxy(${name})\n`), checked.by === 'run', 'its cases run')
    const row = PROXIES_PAGE.split('\n').find((line) => line.startsWith('| ') && line.includes(`/deploy/${proxy})`)) ?? ''
    t.match(row, checked.by === 'run' ? /\| \*\*run\*\*: / : /\| checked/, 'docs/proxies/README.md, first table')
  })
}
