import t from 'tap'
import { shrink } from '../../campaign/shrink.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const CASES: ReadonlyArray<readonly [what: string, count: number, needed: readonly number[]]> = [
  ['the last one', 40, [39]],
  ['the first one', 40, [0]],
  ['one in the middle', 33, [17]],
  ['two that are far apart', 40, [3, 38]],
  ['two neighbours across the middle', 16, [7, 8]],
  ['three', 25, [1, 12, 24]],
  ['all of them', 6, upTo(6)],
  ['the only one', 1, [0]]
]

t.test('finds what a failure needs, in its order', async (t) => {
  for (const [what, count, needed] of CASES) {
    const found = await shrink(upTo(count), async (subset) => needed.every((one) => subset.includes(one)))
    t.strictSame(found, needed, what)
  }
})

t.test('asks seldom where the last round alone fails', async (t) => {
  let asked = 0
  await shrink(upTo(256), async (subset) => { asked++; return subset.includes(255) })
  t.equal(asked, 8)
})

t.test('stops when its time is over, with what fails so far', async (t) => {
  let asked = 0
  const found = await shrink(upTo(64), async (subset) => { asked++; return subset.includes(63) }, () => asked >= 3)
  t.equal(asked, 3)
  t.strictSame(found, upTo(64).slice(56))
})
