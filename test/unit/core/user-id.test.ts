import t from 'tap'
import { isUserId } from '../../../src/base/core/resolution.ts'

const ROWS: ReadonlyArray<readonly [what: string, value: unknown, expected: boolean]> = [
  ['an id of Authgear’s', 'a11ce000-0000-4000-8000-000000000001', true],
  ['any other text', 'ü 😀', true],
  ['one character', 'u', true],
  ['256 characters', 'u'.repeat(256), true],
  ['257 characters', 'u'.repeat(257), false],
  ['none', '', false],
  ['a lone surrogate, first or last', '\ud800x', false],
  ['a lone low surrogate', 'x\udc00', false],
  ['no text', 7, false],
  ['nothing', undefined, false]
]

for (const [what, value, expected] of ROWS) {
  t.test(what, async (t) => { t.equal(isUserId(value), expected) })
}
