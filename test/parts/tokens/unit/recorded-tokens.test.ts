import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readKeySet } from '../../../../src/base/authgear/key-set.ts'
import type { MemoryKey } from '../../../../src/base/core/cache-key.ts'
import { NO_RULES, parsePolicy } from '../../../../src/base/core/policy.ts'
import { decideToken } from '../../../../src/parts/tokens/policy.ts'
import { createVerifier, type Verification } from '../../../../src/parts/tokens/verifier.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { jwkOf, KEYS, signed } from '../../../helpers/token-issuer.ts'

type Claims = Readonly<Record<string, unknown>>
type Recorded = Readonly<Record<string, Readonly<{ header: Claims, payload: Claims }>>>

/** From a real server; its key is not here, so that the recorded claims are signed again. */
const { tokens, jwks_shape: shape } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/m2m.json'), 'utf8')
) as Readonly<{ tokens: Recorded, jwks_shape: Readonly<{ keys: readonly Claims[] }> }>
const ISSUER = 'https://auth.lab.test'

async function verify (name: string, other: Claims = {}): Promise<Verification> {
  const { header = {}, payload = {} } = tokens[name] ?? {}
  const { getKey } = await readKeySet(
    JSON.stringify({ keys: [{ ...shape.keys[0], ...jwkOf(KEYS.publicKey, String(header['kid'])) }] })
  )
  const clock = manualClock(Number(payload['iat']) * 1000 + 1000)
  const verifier = createVerifier({
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keySet: { keyOf: async () => getKey, current: () => getKey },
    clock,
    maxBytes: 2 ** 20,
    waitingBytes: 2 ** 20
  })
  const claims = {
    ...payload, jti: 'a'.repeat(64), sub: payload['sub'] === '<user id>' ? 'a-user' : payload['sub'], ...other
  }
  return await verifier.verify(signed(claims, header), { key: '' as MemoryKey, headBytes: () => 0 })
}

const outcomeOf = (verification: Verification, policy: string): string => {
  if (verification.kind !== 'token') return verification.kind
  const decision = decideToken(verification.token, parsePolicy(policy), NO_RULES, verification.token.issuedAt)
  return decision.kind === 'refuse' ? decision.reason : decision.kind
}

const API = 'resource=https%3A%2F%2Fapi.lab.test'
/** A recorded token, the route that it comes to, and what becomes of it. */
const ROWS: ReadonlyArray<readonly [token: string, policy: string, outcome: string]> = [
  ['resource, no scope', API, 'allow'],
  ['resource, no scope', `${API}&scope=write:orders`, 'allow'],
  ['resource, one scope', `${API}&scope=read:orders`, 'allow'],
  ['resource, one scope', `${API}&scope=write:orders`, 'insufficient_scope'],
  ['other resource', 'resource=https%3A%2F%2Fother.lab.test%2Fv2', 'allow'],
  ['other resource', API, 'wrong_audience'],
  ['other resource', 'resource=https%3A%2F%2Fother.lab.test%2Fv2%2F', 'wrong_audience'],
  ['a user\'s JWT access token, for comparison', API, 'wrong_audience']
]

t.test('tokens as a real Authgear issued them pass where they are for, and nowhere else', async (t) => {
  for (const [token, policy, outcome] of ROWS) {
    t.equal(outcomeOf(await verify(token), policy), outcome, `${token}: ${policy}`)
  }
})

t.test('a client without any scope has a valid token, and no permission', async (t) => {
  const poor = await verify('resource, one scope', { scope: '' })
  t.equal(outcomeOf(poor, API), 'allow')
  t.equal(outcomeOf(poor, `${API}&scope=read:orders`), 'insufficient_scope')
})

t.test('a machine has no user', async (t) => {
  const verification = await verify('resource, one scope')
  t.match(verification, { kind: 'token', token: { userId: undefined, clientId: 'machine' } })
  t.notMatch(JSON.stringify(verification), 'client_id_machine')
})
