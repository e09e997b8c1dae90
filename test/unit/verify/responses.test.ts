import t from 'tap'
import { createAllow } from '../../../src/base/verify/responses.ts'
import { NOTHING } from '../../../src/base/identity/presenter.ts'
import { validResolution } from '../../helpers/identity.ts'

const PEOPLE = 25_000

t.test('beyond the prepared people each still gets their own headers', async (t) => {
  const allow = createAllow('empty')
  const people = Array.from({ length: PEOPLE }, (_, index) => validResolution({ 'user-id': `user-${index}` }))
  const userOf = (index: number): string | undefined => {
    const { headers } = allow(people[index] as typeof people[number], 'memory', NOTHING)
    return headers[headers.indexOf('x-authgear-user-id') + 1]
  }
  const wrong = [...people.keys(), ...people.keys()].filter((index) => userOf(index) !== `user-${index}`)
  t.same(wrong, [])
})

t.test('an answer names its source, also after an answer from elsewhere', async (t) => {
  const allow = createAllow('empty')
  const person = validResolution()
  for (const source of ['authgear', 'memory', 'redis', 'memory'] as const) {
    const { headers } = allow(person, source, NOTHING)
    t.equal(headers[headers.indexOf('x-forward-auth-source') + 1], source)
  }
})

t.test('prepares no large identity, and still answers with it', async (t) => {
  const allow = createAllow('empty')
  for (const [length, amr, isKept] of [
    [400, 'pwd', true],
    [513, 'pwd', false],
    [400, 'a'.repeat(113), false]
  ] as const) {
    const person = validResolution({ 'user-roles': 'r'.repeat(length), 'session-amr': amr })
    const [first, second] = [allow(person, 'memory', NOTHING), allow(person, 'memory', NOTHING)]
    t.equal(first === second, isKept)
    t.same(first, second)
    t.equal(second.headers[second.headers.indexOf('x-authgear-user-roles') + 1], 'r'.repeat(length))
  }
})
