import type { Test } from 'tap'
import type { World } from './rules.ts'
import { explore } from './search.ts'
import type { WITHOUT } from './worlds.ts'

const asText = (trace: readonly string[] = []): string => trace.map((step, n) => `${n + 1}. ${step}`).join('\n')

/** Whatever happens, in whichever order. */
export function holdsIn (t: Pick<Test, 'test'>, world: World): void {
  t.test(`acknowledged words hold: ${world.name}`, async (t) => {
    const { states, transitions, found } = explore(world)
    t.comment(`${states} states, ${transitions} transitions`)
    t.equal(found?.what, undefined, asText(found?.trace))
    t.ok(states > 1000, 'it is a world')
  })
}

/** Without a rule something is wrong in that world: the shortest way to it. */
export function missesIn (t: Pick<Test, 'test'>, { rule, world, what }: (typeof WITHOUT)[number]): void {
  t.test(`without the rule that ${rule}`, async (t) => {
    const { found } = explore(world, rule)
    t.match(found?.what, what)
    t.comment(asText(found?.trace))
  })
}
