import type { Test } from 'tap'
import { explore, type Space } from './search.ts'

const asText = (trace: readonly string[] = []): string => trace.map((step, n) => `${n + 1}. ${step}`).join('\n')

/** Whatever happens, in whichever order, nothing is wrong. */
export function holdsIn<State> (t: Pick<Test, 'test'>, promise: string, space: Space<State>): void {
  t.test(promise, async (t) => {
    const { states, transitions, found } = explore(space)
    t.comment(`${states} states, ${transitions} transitions`)
    t.equal(found?.what, undefined, asText(found?.trace))
    t.ok(states > 1000, 'it is a world')
  })
}

/** Without a rule something is wrong there: the shortest way to it. */
export function missesIn<State> (t: Pick<Test, 'test'>, rule: string, space: Space<State>, what: RegExp): void {
  t.test(`without the rule that ${rule}`, async (t) => {
    const { found } = explore(space)
    t.match(found?.what, what)
    t.comment(asText(found?.trace))
  })
}
