import t from 'tap'
import { RULES, WITHOUT, WORLDS } from '../model/exhaustive/rules.ts'
import { explore } from '../model/exhaustive/search.ts'

t.test('with all its rules the ledger keeps its promises', async (t) => {
  for (const world of Object.values(WORLDS)) {
    const { states, found } = explore(world)
    t.equal(found, undefined, `${world.name}: ${states} states`)
    t.comment(found?.trace.join(' · ') ?? '')
  }
})

t.test('without one of its rules it breaks one', async (t) => {
  for (const [rule, world] of WITHOUT) {
    const { found } = explore(world, rule)
    t.ok(found, `${rule}, in ${world.name}`)
    t.comment(`${found?.what ?? ''}: ${found?.trace.join(' · ') ?? ''}`)
  }
})

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame(WITHOUT.map(([rule]) => rule).sort(), [...RULES].sort())
})
