import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { Ledger } from './ledger.ts'
import type { TokenLedger } from './token-ledger.ts'
import type { LogObserver, RevocationLog } from './types.ts'

export type MemoryLogOptions = Readonly<{
  clock: Clock
  retentionMs: number
  observer: LogObserver
  maxNames?: number
  tokens?: TokenLedger | undefined
}>

/** The log of a service without Redis: one replica, so what is taken here is logged at once. */
export function createMemoryLog ({ clock, retentionMs, observer, maxNames, tokens }: MemoryLogOptions): RevocationLog {
  const ledger = new Ledger({ clock, retentionMs, maxRevocations: maxNames, tokens })
  tokens?.beginAt(clock.wall())
  let count = 0
  ledger.adopt(randomBytes(16).toString('hex'))
  return Object.freeze({
    snapshot: () => ledger.snapshot(),
    isFollowing: () => true,
    isVoid: ledger.isVoid.bind(ledger),
    names: ledger.names.bind(ledger),
    standingOf: (token) => tokens?.standingOf(token, true) ?? 'unknown',
    trusts: () => false,
    trustsShared: () => false,
    isUncacheable: ledger.isUncacheable.bind(ledger),
    admits: () => true,
    async revoke (asked) {
      const nonce = String(++count)
      const ends = asked.ends === undefined ? undefined : clock.wall()
      const revocation = { ...asked, ends }
      ledger.take(revocation, nonce)
      ledger.apply({
        id: `${count}-0`,
        nonce,
        previous: ledger.nonce,
        generation: ledger.generation,
        of: nonce,
        revocation
      })
      observer.reader?.read({ id: `${count}-0`, revocation }, clock.wall())
      observer.revoked(revocation.origin)
      return 'logged'
    },
    close: async () => {}
  } satisfies RevocationLog)
}
