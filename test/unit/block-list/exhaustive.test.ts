import t from 'tap'
import { holdsIn, missesIn } from '../../model/blocks/check.ts'
import { RULES } from '../../model/blocks/rules.ts'
import { LARGER_WORLDS, WITHOUT, WORLDS } from '../../model/blocks/worlds.ts'

const larger: ReadonlySet<unknown> = new Set(Object.values(LARGER_WORLDS))

/** The larger ones are in test/integration/block-list-exhaustive.all.test.ts. */
for (const world of Object.values(WORLDS)) holdsIn(t, world)
for (const one of WITHOUT.filter(({ world }) => !larger.has(world))) missesIn(t, one)

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame(WITHOUT.map(({ rule }) => rule).sort(), [...RULES].sort())
})
