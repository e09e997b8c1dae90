import { openKeySet } from '../../base/authgear/key-set.ts'
import type { MemoryKey } from '../../base/core/cache-key.ts'
import { jwtAudience } from '../../base/core/token-expiry.ts'
import type { At, Explained } from '../../base/parts/findings.ts'
import type { FindingId } from './doctor.ts'
import type { Resource } from './resources.ts'
import type { TokensSettings } from './variables.ts'
import { createVerifier, type Verification } from './verifier.ts'

/** Explains a pasted token of our resources, claim by claim; the token, its ids and its subject are never printed. */
export async function explainPasted (
  { resources, maxAgeMs }: TokensSettings, token: string, { authgear, clock }: At
): Promise<Explained<FindingId> | undefined> {
  const audience = jwtAudience(token) ?? []
  if (!resources.some(({ uri }) => audience.includes(uri))) return undefined
  const keySet = openKeySet(authgear, { clock, observer: { fetched: () => {} } })
  try {
    const rules = { issuer: authgear.endpoint.origin, maxAgeMs }
    const verifier = createVerifier({ rules, keySet, clock, maxBytes: 2 ** 20, waitingBytes: 2 ** 20 })
    const verification = await verifier.verify(token, { key: '' as MemoryKey, headBytes: () => 0 })
    return explain(verification, resources)
  } finally {
    await keySet.close()
  }
}

function explain (verification: Verification, resources: readonly Resource[]): Explained<FindingId> {
  if (verification.kind === 'unavailable') return { findings: [['token-keys', verification.error.message]] }
  if (verification.kind === 'refused') return { findings: [['resource-token', verification.why]] }
  const { userId, audience, scopes, issuedAt, expiresAt } = verification.token
  const time = (ms: number): string => new Date(ms).toISOString()
  const known = audience.map((uri) => `${uri}${resources.some((one) => one.uri === uri) ? '' : ' (not in RESOURCES)'}`)
  const notes = [
    'typ, alg, kid, signature: an access token, signed by a key of Authgear\'s',
    `aud: ${known.join(', ')}`,
    `sub: ${userId === undefined ? 'a machine, so every rule about people refuses it' : 'a person'}`,
    `scope: ${scopes.length === 0 ? 'none' : scopes.join(' ')}`,
    `iat, exp: issued ${time(issuedAt)}, accepted until ${time(expiresAt)}`
  ]
  return { findings: scopes.length === 0 ? [['resource-scope', 'the pasted token has no scope']] : [], notes }
}
