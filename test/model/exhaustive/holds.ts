import type { Test } from 'tap'
import { asText, check, type Checked } from './check.ts'
import type { World } from './rules.ts'

/** Of the table in docs/inside/revocation-tests.md. */
export const row = (...cells: ReadonlyArray<string | number>): string => `| ${cells.join(' | ')} |`
const sizes = ({ states, transitions, depth, seconds }: Checked): string[] =>
  [states, transitions, depth].map((figure) => figure.toLocaleString('en')).concat(seconds.toFixed(1))

/** In every state of this world, with all its rules, the protocol keeps its promises. */
export function checkHolds (t: Test, world: World): void {
  const checked = check(world)
  t.comment(row(world.name, ...sizes(checked)))
  t.equal(checked.found?.what, undefined, asText(checked.found?.trace ?? []))
  t.ok(checked.states > 100)
}
