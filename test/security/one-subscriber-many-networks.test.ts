import { createHash } from 'node:crypto'
import t from 'tap'
import type { CredentialDigest } from '../../src/base/core/cache-key.ts'
import { createFailedCredentials } from '../../src/base/authgear/resolver/failed-credentials.ts'
import { networkOf } from '../../src/base/core/network.ts'

const FAILURES = 600
let next = 0
const junk = (): readonly CredentialDigest[] => [
  createHash('sha256').update(String(next++)).digest('base64url').slice(0, 22) as CredentialDigest
]

const CLIENTS: ReadonlyArray<readonly [what: string, addresses: readonly string[]]> = [
  ['one subscriber of IPv6, who has a /56',
    Array.from({ length: 256 }, (_, index) => `2001:db8:0:${index.toString(16)}::1`)],
  ['forty addresses', Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`)]
]

for (const [what, addresses] of CLIENTS) {
  t.test(`slows ${what}, each twice over the limit`, async (t) => {
    const limits = { failuresPerMinute: FAILURES, maxWaiting: { client: 2048, all: 2048 }, timeoutMs: 60_000 }
    const failed = createFailedCredentials({ ...limits, now: () => 0 })
    for (let round = 0; round < 2 * FAILURES; round++) {
      for (const address of addresses) {
        failed.judged({ address, isNamed: true, userAgent: undefined, traceparent: undefined, tracestate: undefined },
          junk(), 'invalid')
      }
    }
    let begun = 0
    const clients = new Set(addresses.map(networkOf)).size
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => { open = resolve })
    const asked = addresses.flatMap((address) =>
      [1, 2, 3, 4, 5, 6].map(() =>
        failed.run(
          { address, isNamed: true, userAgent: undefined, traceparent: undefined, tracestate: undefined },
          junk(),
          async () => {
            begun++
            await gate
          }
        )
      )
    )
    t.equal(begun, 4 * clients, `each of ${clients} clients has four slots`)
    open()
    await Promise.all(asked)
  })
}
