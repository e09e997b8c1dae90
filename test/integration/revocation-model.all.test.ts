import t from 'tap'
import { checkRandom } from '../model/random.ts'

/** `REVOCATION_RUNS=60000 REVOCATION_SEED=…` for a night. */
const RUNS = Number(process.env['REVOCATION_RUNS'] ?? 2000)

t.setTimeout(30 * 60_000)

t.test('over thousands of runs I1, I2 and I3 hold', async (t) => await checkRandom(t, RUNS))
