import { claimsOf } from '../../../base/core/token-expiry.ts'
import { readResourceToken } from '../read-token.ts'
import type { Pair } from './sent.ts'
import type { AskDeps, Good } from './types.ts'

/** A token in use is renewed at a random moment of this part of its life: many that began together are spread. */
const RENEW_FROM = 0.6
const RENEW_WITHIN = 0.25

type GoodDeps = Pick<AskDeps, 'rules' | 'keyer' | 'clock' | 'random'>

/** @returns why the token is none for that client and resource. Its signature is verified where it is used. */
export function goodOf (
  { rules, keyer, clock, random }: GoodDeps, token: string, { clientId }: Pair, resource: string
): Good | string {
  const reading = readResourceToken(claimsOf(token) ?? {}, rules, clock.wall())
  if (reading.kind === 'refused') return reading.why
  const { clientId: named, userId, audience, issuedAt, expiresAt } = reading.token
  if (named !== clientId || userId !== undefined) return 'client_id or sub is not that client'
  if (!audience.includes(resource)) return 'aud is not that resource'
  const credentials = { bearer: token, appSession: undefined, appAccessToken: undefined, session: undefined }
  const endsMonotonic = clock.monotonic() + expiresAt - clock.wall()
  const renewBefore = (expiresAt - issuedAt) * (1 - RENEW_FROM - RENEW_WITHIN * random())
  return {
    kind: 'good',
    credentials,
    key: keyer.memoryKey(credentials),
    issuedAt,
    endsAt: expiresAt,
    endsMonotonic,
    renewAt: endsMonotonic - renewBefore
  }
}
