import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const SCRIPT = fileURLToPath(new URL('../helpers/full-ledger.mjs', import.meta.url))
const MIB = 2 ** 20
/** Node itself takes some 6 MiB; what the ledger takes of the 64 MiB in a container of 128 must fit in the rest. */
const FLAGS = ['--max-old-space-size=24', '--max-semi-space-size=2', '--expose-gc']

t.test('a log as full as its budgets allow takes 8 MiB of a heap of 64', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, SCRIPT])
  const { heapBytes, names, ...sizes } = JSON.parse(stdout) as Record<'heapBytes' | 'names', number>
  t.comment(`${names} names: ${(heapBytes / MIB).toFixed(1)} MiB`)
  t.ok(names > 5000, 'enough of them that a busy minute raises no floor')
  t.strictSame(sizes, { revoked: names, noStore: names })
  t.ok(heapBytes < 14 * MIB, `${heapBytes} bytes`)
})
