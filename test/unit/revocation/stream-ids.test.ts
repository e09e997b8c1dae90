import t from 'tap'
import { compareIds, FIRST_ID } from '../../../src/base/revocation/types.ts'

/** Ascending. */
const ORDER = [
  FIRST_ID, '0-1', '1-0', '9-0', '10-0', '10-9', '10-10', '1795561910000-0', '1795561910000-1', '1795561910001-0',
  '9007199254740992-0', '9007199254740993-0', '18446744073709551614-18446744073709551615',
  '18446744073709551615-9007199254740992', '18446744073709551615-9007199254740993',
  '18446744073709551615-18446744073709551614', '18446744073709551615-18446744073709551615'
]

t.test('ids are compared as two numbers of 64 bits', async (t) => {
  for (const [i, a] of ORDER.entries()) {
    for (const [j, b] of ORDER.entries()) t.equal(Math.sign(compareIds(a, b)), Math.sign(i - j), `${a} and ${b}`)
  }
})
