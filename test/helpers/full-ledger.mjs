// Started with --expose-gc: reads a log as long as its budgets allow, and prints what the ledger holds and the heap's
// bytes.
import { randomBytes } from 'node:crypto'
import { heapFlags, ledgerNames } from '../../src/base/core/memory-budget.ts'
import { maxEntries } from '../../src/base/revocation/budget.ts'
import { Ledger } from '../../src/base/revocation/ledger.ts'

const MIB = 2 ** 20
/** CACHE_TTL 30 s, AUTHGEAR_TIMEOUT 2 s, and five minutes: milliseconds. */
const RETENTION_MS = 332_000

/** Bytes of V8's heap in a container of 128 MiB: the old generation, and the three parts of the young one. */
const [old, young] = heapFlags(128 * MIB).map((flag) => Number(flag.split('=')[1]) * MIB)
const names = ledgerNames(old + 3 * young)
const ledger = new Ledger({ clock: { monotonic: () => 0 }, retentionMs: RETENTION_MS, maxRevocations: names })
const hex = () => randomBytes(16).toString('hex')

ledger.adopt('g1')
for (let n = 1, previous = ''; n < maxEntries(RETENTION_MS); n++) {
  const target = { kind: 'credential', digest: randomBytes(32).toString('base64url') }
  const nonce = hex()
  ledger.apply({
    id: `1795660000000-${n}`,
    nonce,
    previous,
    generation: 'g1',
    of: hex(),
    revocation: { target, origin: 'logout', quietMs: 150_000 }
  })
  previous = nonce
}
globalThis.gc()
const heapBytes = process.memoryUsage().heapUsed
process.stdout.write(JSON.stringify({ ...ledger.sizes, names, heapBytes }))
