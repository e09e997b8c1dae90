import t from 'tap'
import { asText, check } from '../model/exhaustive/check.ts'
import { checkHolds, row } from '../model/exhaustive/holds.ts'
import type { World } from '../model/exhaustive/rules.ts'
import { LARGE_WORLDS, LONELY, TOKEN_WORLDS, UNNAMED, WITHOUT, WORLDS } from '../model/exhaustive/worlds.ts'

/** `MODEL=whole` (`npm run model`) explores the large worlds, too, and takes rules out of them. */
const isWhole = process.env['MODEL'] === 'whole'
const large: readonly World[] = Object.values(LARGE_WORLDS)
const worlds: readonly World[] = [...Object.values(WORLDS), ...Object.values(TOKEN_WORLDS), ...isWhole ? large : []]
const without = WITHOUT.filter(({ world }) => isWhole || !large.includes(world))

t.setTimeout(60 * 60_000)

t.test('with all its rules the protocol keeps its promises', async (t) => {
  for (const world of worlds) t.test(world.name, async (t) => checkHolds(t, world))
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

for (const bound of [LONELY, UNNAMED]) {
  t.test(`a bound, as documented: ${bound.name}`, async (t) => {
    const { found } = check(bound)
    t.equal(found?.what, 'answers what is older than an acknowledged revocation, after its bound')
    t.comment(asText(found?.trace ?? []))
  })
}
