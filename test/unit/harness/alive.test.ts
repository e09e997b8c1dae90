import { execFile } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const SCRIPT = join(import.meta.dirname, '../../alive.sh')
const CASES: ReadonlyArray<readonly [what: string, command: string, code: number, said: string]> = [
  ['a script that ends at an error goes on after a success', 'alive x true; echo on', 0, 'on\n'],
  ['and ends with the status of a failure', 'alive x bash -c "exit 7"; echo on', 7, '']
]

for (const [what, command, code, said] of CASES) {
  t.test(what, async (t) => {
    const ended = await new Promise<Readonly<{ code: number, stdout: string }>>((resolve) => {
      execFile('bash', ['-c', `set -euo pipefail; source "${SCRIPT}"; ${command}`], (error, stdout) => {
        resolve({ code: Number(error?.code ?? 0), stdout })
      })
    })
    t.strictSame(ended, { code, stdout: said })
  })
}
