import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { Ledger } from './ledger.ts'
import type { LogObserver, RevocationLog } from './types.ts'

export type MemoryLogOptions = Readonly<{ clock: Clock, retentionMs: number, observer: LogObserver, maxNames?: number }>

/** The log of a service without Redis: one replica, so what is taken here is logged at once. */
export function createMemoryLog ({ clock, retentionMs, observer, maxNames }: MemoryLogOptions): RevocationLog {
  const ledger = new Ledger({ clock, retentionMs, maxRevocations: maxNames })
  let count = 0
  ledger.adopt(randomBytes(16).toString('hex'))
  return Object.freeze({
    snapshot: () => ledger.snapshot(),
    isFollowing: () => true,
    isVoid: ledger.isVoid.bind(ledger),
    trusts: () => false,
    trustsShared: () => false,
    isUncacheable: ledger.isUncacheable.bind(ledger),
    admits: () => true,
    async revoke (revocation) {
      const nonce = String(++count)
      ledger.take(revocation, nonce)
      ledger.apply({
        id: `${count}-0`,
        nonce,
        previous: ledger.nonce,
        generation: ledger.generation,
        of: nonce,
        revocation
      })
      observer.revoked(revocation.origin)
      return 'logged'
    },
    close: async () => {}
  } satisfies RevocationLog)
}
