import t from 'tap'
import { spaceOf } from '../model/space.ts'
import { LARGER_WORLDS, WITHOUT, WORLDS } from '../model/worlds.ts'
import { holdsIn, missesIn } from '../../../model/check.ts'

t.setTimeout(30 * 60_000)

const small: ReadonlySet<unknown> = new Set(Object.values(WORLDS))

for (const world of Object.values(LARGER_WORLDS)) holdsIn(t, `acknowledged words hold: ${world.name}`, spaceOf(world))
for (const { rule, world, what } of WITHOUT) if (!small.has(world)) missesIn(t, rule, spaceOf(world, rule), what)
