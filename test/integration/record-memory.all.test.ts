import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const SCRIPT = new URL('../helpers/record-cost.mjs', import.meta.url).pathname
const MIB = 2 ** 20

const CASES: ReadonlyArray<readonly [what: string, people: number, bytes: number, kind: readonly string[]]> = [
  ['people', 100_000, 8 * MIB, []],
  ['people for whom there is room', 20_000, 100 * MIB, []],
  ['the longest that clients can choose', 5000, 8 * MIB, ['long']],
  ['short parts of long texts', 5000, 8 * MIB, ['parts']]
]

for (const [what, people, bytes, kind] of CASES) {
  t.test(`the record of ${what} takes no more heap than its share`, async (t) => {
    const { stdout } = await promisify(execFile)(
      process.execPath, ['--expose-gc', SCRIPT, String(people), '2', String(bytes), ...kind]
    )
    const { heap, early } = JSON.parse(stdout) as Record<'heap' | 'early', number>
    t.comment(`bounds: ${what}: ${(heap / MIB).toFixed(1)} MiB of ${bytes / MIB}, ${early} lines early`)
    t.ok(heap <= bytes, `${heap} bytes of ${bytes}`)
  })
}
