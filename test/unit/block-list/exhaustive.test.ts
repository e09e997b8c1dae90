import t from 'tap'
import { RULES } from '../../model/blocks/rules.ts'
import { explore } from '../../model/blocks/search.ts'
import { WITHOUT, WORLDS } from '../../model/blocks/worlds.ts'

const asText = (trace: readonly string[] = []): string => trace.map((step, n) => `${n + 1}. ${step}`).join('\n')

for (const world of Object.values(WORLDS)) {
  t.test(`whatever happens in whichever order: ${world.name}`, async (t) => {
    const { states, transitions, found } = explore(world)
    t.comment(`${states} states, ${transitions} transitions`)
    t.equal(found?.what, undefined, asText(found?.trace))
    t.ok(states > 100, 'it is a world')
  })
}

for (const { rule, world, what } of WITHOUT) {
  t.test(`without the rule that ${rule}`, async (t) => {
    const { found } = explore(world, rule)
    t.match(found?.what, what)
    t.comment(asText(found?.trace))
  })
}

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame(WITHOUT.map(({ rule }) => rule).sort(), [...RULES].sort())
})
