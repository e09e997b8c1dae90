import t from 'tap'
import { asText, check, type Checked } from '../model/exhaustive/check.ts'
import { fingerprint } from '../model/exhaustive/fingerprint.ts'
import { initial } from '../model/exhaustive/initial.ts'
import { next } from '../model/exhaustive/next.ts'
import { RULES, type World } from '../model/exhaustive/rules.ts'
import { LARGE_WORLDS, LONELY, TOKEN_WORLDS, WITHOUT, WORLDS } from '../model/exhaustive/worlds.ts'

/** `MODEL=whole` (`npm run model`) explores the large worlds, too, and takes rules out of them. */
const isWhole = process.env['MODEL'] === 'whole'
const large: readonly World[] = Object.values(LARGE_WORLDS)
const worlds: readonly World[] = [
  ...Object.values(WORLDS),
  ...Object.values(TOKEN_WORLDS),
  ...isWhole ? large : []
]
const without = WITHOUT.filter(({ world }) => isWhole || !large.includes(world))
/** Rules whose absence breaks no promise in any of these worlds: decision 127 says why they are kept. */
const NOT_MISSED = ['no generation comes back']

t.setTimeout(60 * 60_000)

const row = (...cells: ReadonlyArray<string | number>): string => `| ${cells.join(' | ')} |`
const sizes = ({ states, transitions, depth, seconds }: Checked): string[] =>
  [states, transitions, depth].map((figure) => figure.toLocaleString('en')).concat(seconds.toFixed(1))

t.test('with all its rules the protocol keeps its promises', async (t) => {
  for (const world of worlds) {
    t.test(world.name, async (t) => {
      const checked = check(world)
      t.comment(row(world.name, ...sizes(checked)))
      t.equal(checked.found?.what, undefined, asText(checked.found?.trace ?? []))
      t.ok(checked.states > 100)
    })
  }
})

t.test('without one of its rules it breaks one', async (t) => {
  for (const { rule, world, breaks, finding } of without) {
    t.test(rule, async (t) => {
      const { found, states } = check(world, rule)
      t.comment(row(rule, finding, world.name, found?.what ?? '', found?.trace.length ?? '', states))
      t.equal(found?.what, breaks)
      t.comment(asText(found?.trace ?? []))
    })
  }
})

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame([...new Set([...WITHOUT.map(({ rule }) => rule), ...NOT_MISSED])].sort(), [...RULES].sort())
})

t.test('a start beside a deposed master without replicas is a bound, as documented', async (t) => {
  const { found } = check(LONELY)
  t.equal(found?.what, 'answers what is older than an acknowledged revocation, after its bound')
  t.comment(asText(found?.trace ?? []))
})

t.test('two states that differ in the order of replicas alone count as one', async (t) => {
  const rules = { world: WORLDS.crash, without: new Set<never>() }
  const first = initial(WORLDS.crash)
  const after = (label: string) => next(first, rules).find(([some]) => some === label)?.[1] ?? first
  t.equal(fingerprint(after('P crashes')), fingerprint(after('Q crashes')))
  const others = ['P crashes', 'P resolves', 'P takes revocation 1'].map(after)
  t.equal(new Set([first, ...others].map(fingerprint)).size, 4, 'and no others do')
})
