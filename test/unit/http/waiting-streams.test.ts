import t from 'tap'
import { createWaitingBudget } from '../../../src/base/authenticate/waiting-budget.ts'
import { heapFlags, listenerBounds, waitingBudget } from '../../../src/base/core/memory-budget.ts'
import { HTTP2_BYTES_PER_TEXT, waitingHeadBytes } from '../../../src/base/http/limits.ts'
import { streamBytes } from '../../../src/base/http/unfinished-streams.ts'

const MIB = 2 ** 20
/** V8's young generation has three parts. */
const heapOf = (limitBytes: number): number =>
  heapFlags(limitBytes).map((flag) => Number(flag.split('=')[1])).reduce((old, semi) => old + 3 * semi) * MIB
/** A program's head, one of a person with 115 cookies, of which Go makes lines, and thousands of short lines. */
const HEADS = [[20, 40], [145, 30], [1900, 1]] as const

t.test('requests that wait over HTTP/2 are refused before their session ends', async (t) => {
  for (const limitBytes of [128, 256, 512, 1024, 8192].map((mib) => mib * MIB)) {
    for (const [lines, characters] of HEADS) {
      const rawHeaders = Array<string>(2 * lines).fill('x'.repeat(characters))
      const waits = createWaitingBudget(Infinity).take(waitingHeadBytes(rawHeaders, HTTP2_BYTES_PER_TEXT)) ?? NaN
      const mayWait = waitingBudget({ heapBytes: heapOf(limitBytes) }) / waits
      const mayBeOpen = listenerBounds({ limitBytes }).unfinishedBytes / streamBytes(rawHeaders)
      t.ok(mayWait <= mayBeOpen, `${limitBytes / MIB} MiB, ${lines} lines: ${mayWait} wait, ${mayBeOpen} may be open`)
    }
  }
})
