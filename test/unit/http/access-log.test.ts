import t from 'tap'
import { createSampling } from '../../../src/http/access-log.ts'

t.test('the first lines of each second are written, and the next one says how many were not', t => {
  let now = 0
  const sampling = createSampling(2, () => now)
  t.strictSame([sampling(), sampling(), sampling(), sampling()], [0, 0, undefined, undefined])
  now = 999
  t.equal(sampling(), undefined)
  now = 1000
  t.strictSame([sampling(), sampling(), sampling()], [3, 0, undefined])
  now = 60_000
  t.strictSame([sampling(), sampling()], [1, 0])
  t.end()
})
