import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { IDENTITY } from '../../../src/commands/snippet/settings.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted()

/** The sections that list the names for people. */
const SECTIONS = [
  ['README.md', '## What your app gets'],
  ['docs/interface.md', '## Response headers'],
  ['docs/proxies/README.md', '## Requirements']
] as const

for (const [path, heading] of SECTIONS) {
  t.test(`${path}, "${heading.slice(3)}", lists every identity header, and no other`, async (t) => {
    const [, section = ''] = read(path).split(`\n${heading}\n`)
    const [body = ''] = section.split('\n## ')
    const names = [...body.matchAll(/`(x-authgear-[a-z-]+)`/gi)].map(([, name = '']) => name.toLowerCase())
    t.strictSame(sorted(new Set(names)), sorted(IDENTITY.map((name) => name.toLowerCase())))
  })
}
