import t from 'tap'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { createClientsSeen, MAX_CLIENTS, MAX_USERS } from '../../../../src/parts/clients/clients-seen.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const HOUR = 3_600_000
const machine = (clientId: string) => ({ clientId, userId: undefined })

t.test('a client has its resources, users, first and last time, and what it was answered', async (t) => {
  const clock = manualClock()
  const seen = createClientsSeen(clock)
  const first = clock.wall()
  seen.saw({ clientId: 'a', userId: 'u1' as UserId }, 'https://one.example', true)
  clock.advance(1000)
  seen.saw({ clientId: 'a', userId: 'u2' as UserId }, 'https://two.example', false)
  seen.saw({ clientId: 'a', userId: 'u1' as UserId }, 'https://one.example', true)
  seen.saw(machine('b'), undefined, true)
  t.strictSame(seen.list().toSorted((one, other) => one.id < other.id ? -1 : 1), [
    {
      id: 'a',
      resources: ['https://one.example', 'https://two.example'],
      users: 2,
      first,
      last: first + 1000,
      requests: 3,
      refusals: 1
    },
    { id: 'b', resources: [], users: 0, first: first + 1000, last: first + 1000, requests: 1, refusals: 0 }
  ])
})

t.test('the newest come first, and after a day a client is forgotten', async (t) => {
  const clock = manualClock()
  const seen = createClientsSeen(clock)
  seen.saw(machine('a'), undefined, true)
  clock.advance(HOUR)
  seen.saw(machine('b'), undefined, true)
  t.strictSame(seen.list().map(({ id }) => id), ['b', 'a'])
  clock.advance(23.5 * HOUR)
  t.strictSame(seen.list().map(({ id }) => id), ['b'])
})

t.test('100,000 clients take the place of the oldest, not of one that comes regularly', async (t) => {
  const clock = manualClock()
  const seen = createClientsSeen(clock)
  for (let n = 0; n < 100_000; n++) {
    clock.advance(1)
    seen.saw(machine(`dcrc_${n}`), 'https://one.example', true)
    if (n % 500 === 0) seen.saw(machine('regular'), 'https://one.example', true)
  }
  const list = seen.list()
  t.equal(list.length, MAX_CLIENTS)
  t.match(list.find(({ id }) => id === 'regular'), { requests: 200 })
  t.ok(list.some(({ id }) => id === 'dcrc_99999'))
  t.notOk(list.some(({ id }) => id === 'dcrc_0'))
})

t.test('the worst clients have a bound in bytes', async (t) => {
  const seen = createClientsSeen(manualClock())
  for (let user = 0; user < 50; user++) {
    const userId = `${user}${'u'.repeat(250)}` as UserId
    for (let resource = 0; resource < 10; resource++) seen.saw({ clientId: 'a', userId }, `https://${resource}.x`, true)
  }
  t.match(seen.list(), [{ users: MAX_USERS, resources: { length: 5 } }])
})
