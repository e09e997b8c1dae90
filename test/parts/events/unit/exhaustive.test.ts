import t from 'tap'
import { holdsIn, missesIn } from '../../../model/check.ts'
import { RULES } from '../model/rules.ts'
import { spaceOf } from '../model/space.ts'
import { LARGER_WORLDS, WITHOUT, WORLDS } from '../model/worlds.ts'

const larger: ReadonlySet<unknown> = new Set(Object.values(LARGER_WORLDS))

/** The larger ones are in test/parts/events/integration/exhaustive.all.test.ts. */
for (const world of Object.values(WORLDS)) holdsIn(t, `an app knows what it missed: ${world.name}`, spaceOf(world))
for (const { rule, world } of WITHOUT) if (!larger.has(world)) missesIn(t, rule, spaceOf(world, rule), /has missed/)

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame(WITHOUT.map(({ rule }) => rule).sort(), [...RULES].sort())
})
