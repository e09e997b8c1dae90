import t from 'tap'
import { PersonalAnswer } from '../../../src/base/http/respond.ts'
import { createAllow } from '../../../src/base/verify/responses.ts'
import { NOTHING } from '../../../src/base/identity/presenter.ts'
import { createMemory, remembered } from '../../helpers/remembered.ts'

const PEOPLE = 6000

t.test('beyond the kept heads each still gets their own headers', async (t) => {
  const allow = createAllow('empty')
  const memory = createMemory()
  const people = Array.from({ length: PEOPLE }, (_, n) =>
    remembered({ 'user-id': `user-${n}`, 'user-roles': `role_${n % 3000}` }, memory))
  const saidOf = (index: number): string => {
    const { headers } = allow(people[index] as typeof people[number], 'memory', NOTHING)
    return ['x-authgear-user-id', 'x-authgear-user-roles'].map((name) => headers[headers.indexOf(name) + 1]).join()
  }
  const all = [...people.keys(), ...people.keys()]
  t.same(all.filter((index) => saidOf(index) !== `user-${index},role_${index % 3000}`), [])
})

t.test('an answer names its source, also after an answer from elsewhere', async (t) => {
  const allow = createAllow('empty')
  const person = remembered({})
  for (const source of ['authgear', 'memory', 'redis', 'memory'] as const) {
    const { headers } = allow(person, source, NOTHING)
    t.equal(headers[headers.indexOf('x-forward-auth-source') + 1], source)
  }
})

t.test('keeps no head of a large identity, and still answers with it', async (t) => {
  const allow = createAllow('empty')
  for (const [length, amr, isKept] of [
    [400, 'pwd', true],
    [513, 'pwd', false],
    [400, 'a'.repeat(113), false]
  ] as const) {
    const person = remembered({ 'user-roles': 'r'.repeat(length), 'session-amr': amr })
    const [first, second] = [allow(person, 'memory', NOTHING), allow(person, 'memory', NOTHING)]
    if (!(first instanceof PersonalAnswer && second instanceof PersonalAnswer)) return t.fail('made otherwise')
    t.equal(first.common === second.common, isKept)
    t.same(first.headers, second.headers)
    t.equal(second.headers[second.headers.indexOf('x-authgear-user-roles') + 1], 'r'.repeat(length))
  }
})
