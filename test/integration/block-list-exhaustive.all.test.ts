import t from 'tap'
import { holdsIn, missesIn } from '../model/blocks/check.ts'
import { LARGER_WORLDS, WITHOUT, WORLDS } from '../model/blocks/worlds.ts'

t.setTimeout(30 * 60_000)

const small: ReadonlySet<unknown> = new Set(Object.values(WORLDS))

for (const world of Object.values(LARGER_WORLDS)) holdsIn(t, world)
for (const one of WITHOUT.filter(({ world }) => !small.has(world))) missesIn(t, one)
