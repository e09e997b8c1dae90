import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const SCRIPT = fileURLToPath(new URL('../clients-seen-cost.mjs', import.meta.url))
const MIB = 2 ** 20

type Printed = Readonly<Record<'heapBytes' | 'bytes' | 'answeredMs' | 'blocked' | 'rows', number>> &
  Readonly<Record<'newest' | 'oldest', string>>

t.test('100,000 clients with the longest ids take 8 MiB, and the oldest of them go', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', SCRIPT])
  const { heapBytes, bytes, answeredMs, blocked, rows, newest, oldest } = JSON.parse(stdout) as Printed
  t.comment(
    `bounds: ${(heapBytes / MIB).toFixed(1)} MiB of heap, GET /clients ${(bytes / MIB).toFixed(1)} MiB in ` +
    `${Math.round(answeredMs)} ms`
  )
  t.ok(heapBytes < 8 * MIB, `${heapBytes} bytes`)
  t.ok(bytes < 8 * MIB, `${bytes} bytes`)
  t.strictSame({ blocked, rows }, { blocked: 5000, rows: 1000 })
  t.match([newest, oldest], [/^dcrc_99999_/, /^dcrc_99000_/])
})
