import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { costOf, pictures, withCost } from '../../../docs/cost.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

t.test('the table of sizes and its pictures are what docs/cost.ts computes', async (t) => {
  t.equal(withCost(read('docs/operations.md')), read('docs/operations.md'))
  for (const [file, picture] of Object.entries(pictures())) t.equal(read(file), picture, file)
})

t.test('the formulas give what is worked out by hand', async (t) => {
  const million = { sessions: 1_000_000, every: 10 }
  const near = (value: number, expected: number, name: string): void => {
    t.ok(Math.abs(value / expected - 1) < 0.03, `${name}: ${value} is ${expected}`)
  }
  const short = costOf({ ...million, ttl: 30 }, 20)
  near(short.resolutions, 30_500, 'resolutions at 30 s')
  near(short.reads, 89_800, 'reads at 30 s')
  near(costOf({ ...million, ttl: 600 }, 20).resolutions, 2150, 'resolutions at 10 min')
})

t.test('with Redis the number of replicas changes no resolution', async (t) => {
  const load = { sessions: 300, every: 0.4, ttl: 4 }
  const all = [1, 2, 4, 50].map((replicas) => costOf(load, replicas))
  t.equal(new Set(all.map(({ resolutions }) => resolutions)).size, 1)
  const alone = all.map(({ resolutionsAlone }) => resolutionsAlone)
  t.strictSame(alone, alone.toSorted((a, b) => a - b), 'without it, it does')
})
