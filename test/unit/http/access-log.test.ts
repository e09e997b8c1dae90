import t from 'tap'
import { createSampling } from '../../../src/request/http/access-log.ts'

t.test('writes the first lines of each second, then how many it left out', async t => {
  let now = 0
  const sampling = createSampling(2, () => now)
  t.strictSame([sampling(), sampling(), sampling(), sampling()], [0, 0, undefined, undefined])
  now = 999
  t.equal(sampling(), undefined)
  now = 1000
  t.strictSame([sampling(), sampling(), sampling()], [3, 0, undefined])
  now = 60_000
  t.strictSame([sampling(), sampling()], [1, 0])
})
