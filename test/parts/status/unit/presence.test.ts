import t from 'tap'
import type { Replica } from '../../../../src/base/parts/given.ts'
import type { Announced } from '../../../../src/parts/status/announce.ts'
import { openPresence } from '../../../../src/parts/status/presence.ts'
import { until } from '../../../helpers/until.ts'

type Said = Readonly<{ id: string, says: string, windowMs: number }>

const SELF: Replica = { name: 'replica-1', state: 'serving', authgear: 'ok' }

/** One that announces itself a hundred times a second, to a Redis that answers as `answer` does. */
function start (isFollowing: () => boolean, answer: () => Promise<number>, newest: Announced['newest'] = []) {
  const [said, failures] = [[] as Said[], [] as unknown[]]
  const presence = openPresence({
    announce: async (announcement) => {
      said.push(announcement)
      return { count: await answer(), newest: [[announcement.id, announcement.says], ...newest] }
    },
    self: () => SELF,
    isFollowing,
    failed: (error) => { failures.push(error) },
    everyMs: 10
  })
  return { presence, said, failures }
}

t.test('a replica that follows the log announces itself by one name', async (t) => {
  const { presence, said } = start(() => true, async () => 3)
  t.equal(presence.seen(), 0, 'not known yet')
  await until('it said so twice', () => said.length >= 2 && presence.seen() === 3)
  t.equal(new Set(said.map(({ id }) => id)).size, 1)
  t.match(said[0], { id: /^[\da-f]{16}$/, says: 'serving ok replica-1', windowMs: 35, most: 50 })
  await presence.close()
  const { length } = said
  const later = start(() => true, async () => 1)
  await until('another one would have, five times', () => later.said.length >= 5)
  t.equal(said.length, length, 'nothing once it is closed')
  await later.presence.close()
})

t.test('a replica that does not follow it announces and reads nothing', async (t) => {
  let isFollowing = true
  const { presence, said } = start(() => isFollowing, async () => 3)
  await until('it knows', () => presence.seen() === 3)
  isFollowing = false
  const { length } = said
  t.equal(presence.seen(), 0, 'at once')
  const other = start(() => true, async () => 1)
  await until('another one says so five times', () => other.said.length >= 5)
  t.equal(said.length, length)
  isFollowing = true
  await until('it knows again', () => presence.seen() === 3)
  await Promise.all([presence.close(), other.presence.close()])
})

t.test('logs what Redis refuses, and knows no other replica', async (t) => {
  const refusal = new Error('NOPERM')
  let answer = async (): Promise<number> => 3
  const { presence, failures } = start(() => true, () => answer())
  await until('it knows', () => presence.seen() === 3)
  answer = () => Promise.reject(refusal)
  await until('it is told', () => failures.length > 0)
  t.strictSame([presence.seen(), presence.lastSeen()], [0, 3])
  t.equal(failures[0], refusal)
  await presence.close()
})

t.test('it knows what others say of themselves, and nothing of what cannot be read', async (t) => {
  const { presence } = start(() => true, async () => 6, [
    ['d', 'serving ok zebra:4180'],
    ['c', ''],
    ['b', 'draining failing forward-auth-7d9c-x2k4q.example.net'],
    ['a', 'serving ok <script>'],
    ['e', 'idle ok replica-2'],
    ['f', `serving ok ${'x'.repeat(254)}`]
  ])
  await until('it knows', () => presence.seen() === 6)
  t.strictSame(presence.others(), [
    { name: 'forward-auth-7d9c-x2k4q.example.net', state: 'draining', authgear: 'failing' },
    { name: 'zebra:4180', state: 'serving', authgear: 'ok' }
  ])
  await presence.close()
})
