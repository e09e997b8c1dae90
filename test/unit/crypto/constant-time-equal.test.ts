import fc from 'fast-check'
import t from 'tap'
import { equalSecret } from '../../../src/base/crypto/constant-time-equal.ts'
import { holds } from '../../helpers/property.ts'

t.test('equal are equal bytes and nothing else', async t => {
  const rows: readonly (readonly [given: string | Uint8Array, expected: string | Uint8Array, equal: boolean])[] = [
    ['secret', 'secret', true],
    ['secret', Buffer.from('secret'), true],
    ['', '', true],
    ['', 'secret', false],
    ['secret', '', false],
    ['secre', 'secret', false],
    ['secrets', 'secret', false],
    ['Secret', 'secret', false],
    ['secret\0', 'secret', false],
    ['é', 'é'.normalize('NFD'), false]
  ]
  for (const [given, expected, equal] of rows) {
    t.equal(equalSecret(given, expected), equal, JSON.stringify([given, expected]))
  }
})

t.test('whatever the lengths, it compares and never throws', async (t) => {
  await holds(t, fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) =>
    equalSecret(one, other) === Buffer.from(one).equals(other)))
})
