import t from 'tap'
import { streamDeadlineMs } from '../../../src/base/http/limits.ts'
import { createHeadBlockCheck } from '../../../src/base/http/unfinished-streams.ts'
import { createUnfinished, ownerOf } from '../../../src/base/http/unfinished.ts'

function start () {
  const ended: string[] = []
  const answers: Array<() => void> = []
  const socket = { bytesRead: 0 }
  let now = 0
  const session = {
    closed: false,
    destroyed: false,
    socket,
    ping: (callback: unknown) => { answers.push(() => (callback as (error: null) => void)(null)); return true },
    destroy: () => { ended.push('deadline') }
  }
  const owner = ownerOf('peer', () => ended.push('budget'))
  const check = createHeadBlockCheck(session as never, owner, createUnfinished(970_000), () => now)
  const look = (times = 1, ms = 100): void => { for (let i = 0; i < times; i++) { now += ms; check() } }
  return { ended, answers, socket, session, owner, look }
}

t.test('a peer that answers PINGs is not counted, however much it sends', async (t) => {
  const { ended, answers, socket, owner, look } = start()
  for (let i = 0; i < 100; i++) {
    socket.bytesRead += 40_000
    look(2)
    t.equal(owner.holds.size, 0)
    answers.at(-1)?.()
  }
  t.strictSame(ended, [])
  socket.bytesRead += 500
  look(1000)
  t.equal(answers.length, 100, 'a few bytes are not asked about')
})

t.test('a peer that does not answer PINGs is counted, and closed after 20 s', async (t) => {
  const { ended, answers, socket, owner, look } = start()
  socket.bytesRead = 30_000
  look(2)
  t.equal(owner.holds.size, 0)
  look()
  t.strictSame([...owner.holds].map(({ bytes }) => bytes), [30_000 + 1927 * 480], 'as many lines as fit a head')
  look(198)
  t.strictSame(ended, [])
  look()
  t.strictSame(ended, ['deadline'])
  answers[0]?.()
  t.equal(owner.holds.size, 0, 'until it answers after all')
})

t.test('over the budget such a session ends', async (t) => {
  const { ended, socket, look } = start()
  socket.bytesRead = 5000
  look(3)
  socket.bytesRead = 60_000
  look()
  t.strictSame(ended, ['budget'])
})

t.test('a stream may last as long as an answer takes, with the longest AUTHGEAR_TIMEOUT', async (t) => {
  t.ok(streamDeadlineMs(60_000) > 2 * 2 * 60_000, 'another replica and then Authgear are waited for, twice')
})

t.test('a session that is being closed is left to the time of its streams', async (t) => {
  const { ended, socket, session, owner, look } = start()
  socket.bytesRead = 30_000
  look(3)
  session.closed = true
  look(1000)
  t.equal(owner.holds.size, 0)
  t.strictSame(ended, [])
})
