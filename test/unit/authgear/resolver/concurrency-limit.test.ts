import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Overloaded } from '../../../../src/base/errors.ts'
import {
  createConcurrencyLimit, type ConcurrencyLimit, type Limit
} from '../../../../src/base/authgear/resolver/concurrency-limit.ts'
import { Deadline } from '../../../../src/base/authgear/resolver/deadline.ts'

const NEVER = new Deadline(0)
NEVER.met()

/** Everybody who was let in, in that order; each leaves when the test says so. */
function visitors (admission: ConcurrencyLimit) {
  const entered: string[] = []
  const leave = new Map<string, () => void>()
  return {
    entered,
    visit: (name: string, lanes: readonly Limit[] = [], deadline = NEVER): Promise<string> =>
      admission.run(lanes, deadline, () => {
        entered.push(name)
        return new Promise<string>((resolve) => {
          leave.set(name, () => resolve(name))
        })
      }),
    async leave (name: string): Promise<void> {
      leave.get(name)?.()
      await turn()
    }
  }
}

t.test('the newest of those who wait goes first, and all go in the end', async (t) => {
  const admission = createConcurrencyLimit(1, 10)
  const { entered, visit, leave } = visitors(admission)
  const all = ['first', 'a', 'b', 'c'].map((name) => visit(name))
  await turn()
  t.strictSame(admission.state(), { running: 1, waiting: 3 })
  for (const name of ['first', 'c', 'b', 'a']) await leave(name)
  t.strictSame(entered, ['first', 'c', 'b', 'a'])
  t.strictSame(await Promise.all(all), ['first', 'a', 'b', 'c'])
  t.strictSame(admission.state(), { running: 0, waiting: 0 })
})

t.test('one more than may wait is turned away in the same turn', async (t) => {
  const { visit, leave } = visitors(createConcurrencyLimit(1, 1))
  const both = [visit('first'), visit('second')]
  await t.rejects(visit('third'), Overloaded)
  await leave('first')
  await leave('second')
  await Promise.all(both)
})

t.test('a task that fails makes room as any other', async (t) => {
  const admission = createConcurrencyLimit(1, 0)
  await t.rejects(admission.run([], NEVER, async () => { throw new Error('its own') }), /its own/)
  t.equal(await admission.run([], NEVER, async () => 'next'), 'next')
})

t.test('a lane has bounds of its own, and holds up nobody else', async (t) => {
  const admission = createConcurrencyLimit(3, 10)
  const lane: Limit = { name: 'lane', maxRunning: 1, maxWaiting: 1 }
  const { entered, visit, leave } = visitors(admission)
  const all = [visit('one', [lane]), visit('two', [lane])]
  await t.rejects(visit('three', [lane]), Overloaded, 'its places are taken, though others are free')
  all.push(visit('bystander'))
  await turn()
  t.strictSame(entered, ['one', 'bystander'])
  await leave('bystander')
  t.strictSame(entered, ['one', 'bystander'], 'a slot of the others is none of the lane')
  await leave('one')
  t.strictSame(entered, ['one', 'bystander', 'two'])
  await leave('two')
  await Promise.all(all)
})

t.test('leaving two lanes admits the next caller on each', async (t) => {
  const admission = createConcurrencyLimit(4, 10)
  const [left, right]: Limit[] = ['left', 'right'].map((name) => ({ name, maxRunning: 1, maxWaiting: 4 }))
  if (left === undefined || right === undefined) throw new Error('two lanes')
  const { entered, visit, leave } = visitors(admission)
  const all = [
    visit('both', [left, right]),
    visit('l', [left]),
    visit('r', [right]),
    visit('both again', [left, right])
  ]
  await leave('both')
  t.strictSame(entered, ['both', 'both again'], 'the newest needs both')
  await leave('both again')
  t.strictSame([...entered.slice(2)].sort(), ['l', 'r'])
  await leave('l')
  await leave('r')
  await Promise.all(all)
})

t.test('whose time is over leaves the queue, and gives up the place', async (t) => {
  const admission = createConcurrencyLimit(1, 1)
  const { entered, visit, leave } = visitors(admission)
  const deadline = new Deadline(1000)
  const first = visit('first')
  const late = visit('late', [], deadline)
  deadline.end()
  await t.rejects(late, /deadline has passed/)
  const next = visit('next')
  t.strictSame(admission.state(), { running: 1, waiting: 1 })
  await leave('first')
  await leave('next')
  t.strictSame(entered, ['first', 'next'])
  await Promise.all([first, next])
})

t.test('rejects all waiting callers, and none that run', async (t) => {
  const admission = createConcurrencyLimit(1, 10)
  const { entered, visit, leave } = visitors(admission)
  const first = visit('first')
  const waiting = [visit('a'), visit('b')]
  admission.dismiss(new Error('closed'))
  for (const one of waiting) await t.rejects(one, /closed/)
  t.strictSame(admission.state(), { running: 1, waiting: 0 })
  await leave('first')
  t.equal(await first, 'first')
  t.strictSame(entered, ['first'])
})
