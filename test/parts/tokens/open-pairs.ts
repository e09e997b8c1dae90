import { createKeyer } from '../../../src/base/core/cache-key.ts'
import { AuthgearTimeout } from '../../../src/base/errors.ts'
import type { Exchanged } from '../../../src/parts/tokens/basic/exchange.ts'
import { createPairs, type PairsDeps } from '../../../src/parts/tokens/basic/pairs.ts'
import { createPairStore } from '../../../src/parts/tokens/basic/store.ts'
import type { Answer, Good } from '../../../src/parts/tokens/basic/types.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import { machineClaims, RESOURCE, signed } from '../../helpers/token-issuer.ts'

export const ISSUER = 'https://auth.example.com'
export const UNLIMITED: PairsDeps['budget'] = {
  isFull: () => false, spend: async () => true, passed: async () => {}, limited: () => {}, taken: () => {}
}
export const KEYS = { current: Buffer.alloc(32, 1), previous: undefined }
const base64 = (pair: string): string => Buffer.from(pair).toString('base64')

type Issue = (exchange: number) => object | 'fails' | 'refuses'

/**
 * Pairs of a replica without Redis; `good` is the only client.
 * @param issue other claims of its token, a failure or a refusal, by the number of the exchange
 */
export function openPairs (more: Partial<PairsDeps> = {}, isHeld = false, issue: Issue = () => ({})) {
  const clock = manualClock()
  const waiting: Array<() => void> = []
  let exchanges = 0
  const authgear = { issuer: ISSUER, waitingBytes: 2 ** 20, timeoutMs: 1000, ca: undefined }
  const pairs = createPairs({
    store: createPairStore({ redis: undefined, clock, authgear }, KEYS),
    issuer: {
      async exchange ({ clientId }): Promise<Exchanged> {
        exchanges++
        if (isHeld) await new Promise<void>((resolve) => { waiting.push(resolve) })
        const other = clientId === 'good' ? issue(exchanges) : 'refuses'
        if (other === 'refuses') return { kind: 'refused', of: 'pair', why: 'invalid_client' }
        if (other === 'fails') throw new AuthgearTimeout(1000)
        const own = { client_id: clientId, sub: `client_id_${clientId}`, ...other }
        return { kind: 'token', token: signed(machineClaims(ISSUER, clock.wall(), own)) }
      }
    },
    budget: UNLIMITED,
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keyer: createKeyer(Buffer.alloc(32, 2), { endpoint: ISSUER, cookiePrefix: '' }),
    clock,
    random: () => 0.5,
    exchanged: () => {},
    maxBytes: 20_000,
    waitingBytes: 2 ** 20,
    ...more
  })
  const asked = (pair: string, resource = RESOURCE) => ({ token: base64(pair), resource, from: () => undefined })
  const find = (pair: string, resource?: string): Answer | Promise<Answer> =>
    pairs.find(asked(pair, resource), () => 100, () => undefined)
  const replace = (pair: string, old: Good): Promise<Answer> => pairs.replace(asked(pair), () => 100, old)
  const letGo = (): void => { for (const one of waiting.splice(0)) one() }
  return { pairs, find, replace, clock, exchanges: () => exchanges, letGo }
}
