import t from 'tap'
import { createWaitingBudget } from '../../../src/base/authenticate/waiting-budget.ts'
import { listenerBounds, waitingBudget } from '../../../src/base/core/memory-budget.ts'
import { HTTP2_BYTES_PER_TEXT, waitingHeadBytes } from '../../../src/base/http/limits.ts'
import { streamBytes } from '../../../src/base/http/unfinished-streams.ts'
import { heapOf } from '../../helpers/container-heap.ts'

const MIB = 2 ** 20
/** A program's head, one of a person with 115 cookies, of which Go makes lines, and thousands of short lines. */
const HEADS = [[20, 40], [145, 30], [1900, 1]] as const

t.test('requests that wait over HTTP/2 are refused before their session ends', async (t) => {
  for (const mib of [128, 256, 512, 1024, 8192]) {
    for (const [lines, characters] of HEADS) {
      const rawHeaders = Array<string>(2 * lines).fill('x'.repeat(characters))
      const waits = createWaitingBudget(Infinity).take(waitingHeadBytes(rawHeaders, HTTP2_BYTES_PER_TEXT)) ?? NaN
      const mayWait = waitingBudget({ heapBytes: heapOf(mib) }) / waits
      const mayBeOpen = listenerBounds({ limitBytes: mib * MIB }).unfinishedBytes / streamBytes(rawHeaders)
      t.ok(mayWait <= mayBeOpen, `${mib} MiB, ${lines} lines: ${mayWait} wait, ${mayBeOpen} may be open`)
    }
  }
})
