import { deepStrictEqual as same } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BoundedMap } from '../../../src/base/revocation/bounded-map.ts'
import { holds } from '../../helpers/property.ts'

/** The same, simple and slow. */
class Plain {
  readonly #max: number
  readonly map = new Map<string, number>()
  constructor (max: number) { this.#max = max }
  set (key: string, value: number): number | undefined {
    this.map.delete(key)
    this.map.set(key, value)
    const [oldest] = this.map
    if (this.map.size <= this.#max || oldest === undefined) return undefined
    this.map.delete(oldest[0])
    return oldest[1]
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ key: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ drop: fc.nat({ max: 9 }) }) },
  { weight: 1, arbitrary: fc.constant('oldest' as const) }
)

t.test('behaves like a plain map', async (t) => {
  await holds(t, fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (steps, max) => {
    const [bounded, plain] = [new BoundedMap<number>(max), new Plain(max)]
    steps.forEach((one, value) => {
      if (one === 'oldest') same(bounded.oldest(), [...plain.map][0])
      else if ('drop' in one) {
        bounded.delete(String(one.drop))
        plain.map.delete(String(one.drop))
      } else same(bounded.set(String(one.key), value), plain.set(String(one.key), value))
      same([...bounded.entries()], [...plain.map])
      same([bounded.size, bounded.get('3'), bounded.has('4')], [plain.map.size, plain.map.get('3'), plain.map.has('4')])
    })
  }), 100)
  const map = new BoundedMap<number>(2)
  map.set('a', 1)
  map.clear()
  t.strictSame([map.size, map.oldest()], [0, undefined])
})

// a plain map would take minutes for the first of these, and the file its timeout
t.test('a million that come and go, or come again', async (t) => {
  const map = new BoundedMap<number>(200_000)
  for (let n = 0; n < 1_000_000; n++) map.set(`k${n}`, n)
  t.strictSame([map.size, map.oldest()?.[1]], [200_000, 800_000])
  const few = new BoundedMap<number>(10)
  for (let n = 0; n < 1_000_000; n++) few.set(`k${n % 5}`, n)
  t.strictSame([few.size, few.oldest()?.[1]], [5, 999_995])
})
