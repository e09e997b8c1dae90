import t from 'tap'
import { RULES } from '../model/rules.ts'
import { spaceOf } from '../model/space.ts'
import { LARGER_WORLDS, WITHOUT, WORLDS } from '../model/worlds.ts'
import { holdsIn, missesIn } from '../../../model/check.ts'

const larger: ReadonlySet<unknown> = new Set(Object.values(LARGER_WORLDS))

/** The larger ones are in test/parts/clients/integration/exhaustive.all.test.ts. */
for (const world of Object.values(WORLDS)) holdsIn(t, `acknowledged words hold: ${world.name}`, spaceOf(world))
for (const { rule, world, what } of WITHOUT) if (!larger.has(world)) missesIn(t, rule, spaceOf(world, rule), what)

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame(WITHOUT.map(({ rule }) => rule).sort(), [...RULES].sort())
})
