import t from 'tap'
import {
  budgetOfHeap, defaultBudget, ledgerNames, listenerBounds, waitingBudget
} from '../../../src/base/core/memory-budget.ts'
import { heapOf } from '../../helpers/container-heap.ts'

const MIB = 2 ** 20

t.test('the default is a quarter of a container beyond 64 MiB and fits its heap', async (t) => {
  for (const [limit, budget] of [
    [64, 4],
    [100, 4],
    [128, 9],
    [256, 48],
    [512, 112],
    [1024, 240],
    [4096, 1008]
  ] as const) {
    t.equal(defaultBudget({ limitBytes: limit * MIB, heapBytes: heapOf(limit) }) / MIB, budget, `${limit} MiB`)
    t.ok(budget * MIB <= budgetOfHeap(heapOf(limit)))
  }
})

t.test('requests that wait may take an eighth of the heap, and 64 MiB at most', async (t) => {
  for (const [limit, budget] of [[128, 7.75], [256, 17.5], [1024, 64], [4096, 64]] as const) {
    t.equal(waitingBudget({ heapBytes: heapOf(limit) }) / MIB, budget, `${limit} MiB`)
  }
})

t.test('listeners hold an eighth of the memory of what peers did not finish', async (t) => {
  for (const [limit, mib, maxConnections] of [[16, 2, 256], [128, 16, 1024], [256, 32, 2048], [4096, 64, 16_384]]) {
    const bounds = listenerBounds({ limitBytes: (limit ?? 0) * MIB })
    t.strictSame(bounds, { unfinishedBytes: (mib ?? 0) * MIB, maxConnections }, `${limit} MiB`)
  }
})

t.test('the default fits a heap that the operator made small', async (t) => {
  const limitBytes = 16 * 1024 * MIB
  t.equal(defaultBudget({ limitBytes, heapBytes: 198 * MIB }) / MIB, 77)
  t.equal(defaultBudget({ limitBytes, heapBytes: 40 * MIB }) / MIB, 4, 'never nothing')
  t.equal(defaultBudget({ limitBytes, heapBytes: 4144 * MIB }) / MIB, 2050, 'as Node comes, on a machine of 16 GiB')
})

t.test('the ledger gets half of the room beside the cache, up to 200,000 names', async (t) => {
  const rows = [[128, 6700], [256, 35_900], [512, 88_300], [2048, 200_000]] as const
  for (const [limit, names] of rows) t.equal(Math.floor(ledgerNames(heapOf(limit)) / 100) * 100, names, `${limit} MiB`)
})
