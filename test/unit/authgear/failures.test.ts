import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createFailures } from '../../../src/authgear/resolver/failures.ts'
import type { CredentialDigest } from '../../../src/core/cache-key.ts'
import { AuthgearStatus } from '../../../src/errors.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heap (): number {
  collect()
  return process.memoryUsage().heapUsed
}

t.test('what one client makes up is no outage, and is kept within a bound', async (t) => {
  const failures = createFailures()
  const fail = async (): Promise<never> => { throw new AuthgearStatus(500) }
  const before = heap()
  for (let n = 0; n < 100_000; n++) {
    const all = [`digest ${n}` as CredentialDigest]
    await failures.watch({ whole: all, all, client: '198.51.100.0' }, fail).catch(() => {})
  }
  const grown = heap() - before
  t.ok(grown < 2 ** 21, `${grown} bytes`)
  t.equal(failures.isOutage(), false)
  t.equal(failures.isDoubtful(), true, 'the service asks for itself')
})
