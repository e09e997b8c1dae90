import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createCalls } from '../../../../src/parts/tokens/basic/calls.ts'
import type { Budget, Wanted } from '../../../../src/parts/tokens/basic/shared-budget.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const guessOf = (client: string): Wanted => ({ client, isKnown: false, from: undefined })
const KNOWN: Wanted = { client: 'known', isKnown: true, from: undefined }

/** @param room calls that the budget has for guesses; one that ends gives it back */
function start (room = 1) {
  const clock = manualClock()
  let left = room
  const budget = {
    isFull: () => left === 0,
    spend: async ({ isKnown }: Wanted) => isKnown || (left > 0 && left-- > 0)
  } as unknown as Budget
  const ends: Array<(fails?: boolean) => void> = []
  let made = 0
  const call = (): Promise<string> => {
    made++
    return new Promise((resolve, reject) => {
      ends.push((fails = false) => {
        left++
        if (fails) reject(new Error('away'))
        else resolve('an answer')
      })
    })
  }
  return { clock, call, ends, made: () => made, calls: createCalls(budget, clock), empty: () => { left = 0 } }
}

t.test('a guess that finds no call waits for those under way, one after the other', async (t) => {
  const { calls, call, ends, made } = start()
  const all = ['a', 'b', 'c'].map((client) => calls.make(guessOf(client), call))
  for (let n = 1; n <= 3; n++) {
    await turn()
    t.equal(made(), n)
    ends.shift()?.()
  }
  t.strictSame(await Promise.all(all), ['an answer', 'an answer', 'an answer'])
})

t.test('a call that fails makes room, too, and fails for its own pair alone', async (t) => {
  const { calls, call, ends } = start()
  const first = calls.make(guessOf('a'), call)
  const second = calls.make(guessOf('b'), call)
  await turn()
  const failed = t.rejects(first, { message: 'away' })
  ends.shift()?.(true)
  await failed
  await turn()
  ends.shift()?.()
  t.equal(await second, 'an answer')
})

t.test('a known pair waits for no guess', async (t) => {
  const { calls, call, ends, made } = start()
  const guess = calls.make(guessOf('a'), call)
  await turn()
  const known = calls.make(KNOWN, call)
  await turn()
  t.equal(made(), 2)
  for (const end of ends) end()
  t.strictSame(await Promise.all([guess, known]), ['an answer', 'an answer'])
})

t.test('where no call is left nor under way none is made', async (t) => {
  const { calls, call, made, empty } = start()
  empty()
  t.ok(calls.isHeld(guessOf('a')))
  t.notOk(calls.isHeld(KNOWN))
  t.equal(await calls.make(guessOf('a'), call), undefined)
  t.equal(made(), 0)
})

t.test('a guess waits five seconds, and no longer', async (t) => {
  for (const [ms, expected] of [[4999, 'an answer'], [5000, undefined]] as const) {
    const { calls, call, ends, clock, empty } = start(2)
    const others = ['a', 'b'].map((client) => calls.make(guessOf(client), call))
    await turn()
    const waiting = calls.make(guessOf('c'), call)
    await turn()
    clock.advance(ms)
    ends.shift()?.()
    empty() // another replica took it
    await turn()
    ends.shift()?.()
    await turn()
    ends.shift()?.()
    await Promise.all(others)
    t.equal(await waiting, expected, `${ms} ms`)
  }
})

t.test('64 guesses wait at most; while fewer wait, and a call is under way, none is held', async (t) => {
  const { calls, call, ends } = start()
  t.notOk(calls.isHeld(guessOf('a')), 'there is a call')
  const all = [calls.make(guessOf('first'), call)]
  await turn()
  for (let n = 0; n < 63; n++) all.push(calls.make(guessOf(`${n}`), call))
  t.notOk(calls.isHeld(guessOf('a')))
  all.push(calls.make(guessOf('last'), call))
  t.ok(calls.isHeld(guessOf('a')))
  for (let n = 0; n < all.length; n++) {
    ends.shift()?.()
    await turn()
  }
  await Promise.all(all)
  t.notOk(calls.isHeld(guessOf('a')))
})
