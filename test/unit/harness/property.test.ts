import fc from 'fast-check'
import t from 'tap'
import { check } from '../../helpers/property.ts'

t.test('a violation is reported with its seed, its smallest case and its error', async (t) => {
  const property = fc.asyncProperty(fc.nat(), async (n) => { if (n > 9) throw new Error(`${n} is too many`) })
  const { smallest, report = '' } = await check(property, 100, { seed: 7 })
  t.strictSame(smallest, [10])
  t.match(report, /seed: 7, path: "[\d:]+"/)
  t.match(report, /10 is too many/)
  t.equal((await check(fc.property(fc.nat(), (n) => n >= 0), 100)).report, undefined)
})
