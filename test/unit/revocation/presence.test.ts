import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { openPresence } from '../../../src/revocation/presence.ts'

function start (t: Test, isFollowing: () => boolean, answer: () => Promise<number>) {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const [names, failures] = [[] as string[], [] as unknown[]]
  const presence = openPresence({
    announce: (name) => { names.push(name); return answer() },
    isFollowing,
    failed: (error) => { failures.push(error) }
  })
  /** One announcement, and its answer. */
  const turn = async (): Promise<void> => { mock.timers.tick(2000); await new Promise(setImmediate) }
  return { presence, names, failures, turn }
}

t.test('who follows the log says so every two seconds, by one name', async (t) => {
  const { presence, names, turn } = start(t, () => true, async () => 3)
  t.equal(presence.seen(), 0, 'not known yet')
  await turn()
  t.equal(presence.seen(), 3)
  await turn()
  t.equal(names.length, 2)
  t.equal(new Set(names).size, 1)
  t.match(names[0], /^[\da-f]{16}$/)
  await presence.close()
  await turn()
  t.equal(names.length, 2, 'and nothing once it is closed')
})

t.test('who does not follow it says nothing, and knows nobody', async (t) => {
  let isFollowing = true
  const { presence, names, turn } = start(t, () => isFollowing, async () => 3)
  await turn()
  isFollowing = false
  t.equal(presence.seen(), 0, 'at once')
  await turn()
  t.equal(names.length, 1)
  isFollowing = true
  t.equal(presence.seen(), 0, 'not what was known before')
  await presence.close()
})

t.test('what Redis refuses is told, and not known', async (t) => {
  let answer = async (): Promise<number> => 3
  const { presence, failures, turn } = start(t, () => true, () => answer())
  await turn()
  const refusal = new Error('NOPERM')
  answer = () => Promise.reject(refusal)
  await turn()
  t.equal(presence.seen(), 0)
  t.strictSame(failures, [refusal])
  await presence.close()
})
