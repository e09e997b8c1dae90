import t from 'tap'
import { checkRandom } from '../model/random.ts'

t.test('whatever befalls three replicas and their Redis, I1, I2 and I3 hold', async (t) => await checkRandom(t, 250))
