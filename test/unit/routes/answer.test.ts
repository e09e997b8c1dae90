import t from 'tap'
import { createAllow } from '../../../src/routes/answer.ts'
import { validResolution } from '../../helpers/identity.ts'

const PEOPLE = 25_000

t.test('more people than are kept prepared: each still gets their own headers, the first ones again too', async (t) => {
  const allow = createAllow('empty')
  const people = Array.from({ length: PEOPLE }, (_, index) => validResolution({ 'user-id': `user-${index}` }))
  const userOf = (index: number): string | undefined => {
    const { headers } = allow(people[index] as typeof people[number], 'memory')
    return headers[headers.indexOf('x-authgear-user-id') + 1]
  }
  const wrong = [...people.keys(), ...people.keys()].filter((index) => userOf(index) !== `user-${index}`)
  t.same(wrong, [])
})

t.test('an answer names where it came from, also after the same person was answered from elsewhere', async (t) => {
  const allow = createAllow('empty')
  const person = validResolution()
  for (const source of ['authgear', 'memory', 'redis', 'memory'] as const) {
    const { headers } = allow(person, source)
    t.equal(headers[headers.indexOf('x-forward-auth-source') + 1], source)
  }
})
