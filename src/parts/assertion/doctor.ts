import type { JSONWebKeySet } from 'jose'
import type { Arrived, Found, PartFinding } from '../../base/parts/findings.ts'
import { ALGORITHMS } from './key.ts'
import { ASSERTION_HEADER, type AssertionSettings, JWKS_PATH } from './types.ts'

export const findings = [
  {
    id: 'assertion-missing',
    severity: 'error',
    why: 'an app that verifies it refuses everybody',
    set: 'the configuration that `snippet --assertion` prints for your proxy'
  },
  {
    id: 'assertion-keys',
    severity: 'warning',
    why: 'the assertion cannot be verified here',
    set: 'run doctor beside the service, with its environment; MANAGEMENT_LISTEN must not be off'
  },
  {
    id: 'assertion-wrong',
    severity: 'error',
    why: 'an app that verifies it refuses everybody',
    set: 'ASSERTION_ISSUER the same on all replicas; one CACHE_SECRET and one Redis for all, or one ASSERTION_KEY_FILE'
  }
] as const satisfies readonly PartFinding<string>[]

type FindingId = (typeof findings)[number]['id']

/** Does the assertion that reached the app verify by the keys that the service publishes? */
export async function judgeArrived (
  { issuer }: AssertionSettings, { header, published, now }: Arrived
): Promise<ReadonlyArray<Found<FindingId>>> {
  const token = /[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/.exec(header(ASSERTION_HEADER) ?? '')?.[0]
  if (token === undefined) return [['assertion-missing', `${ASSERTION_HEADER} does not reach the app`]]
  const keys = readKeySet(await published(JWKS_PATH))
  if (keys === undefined) return [['assertion-keys', 'no service answers with its keys at MANAGEMENT_LISTEN']]
  // only doctor verifies assertions
  const { createLocalJWKSet, jwtVerify } = await import('jose')
  try {
    await jwtVerify(token, createLocalJWKSet(keys), {
      issuer, algorithms: [...ALGORITHMS], currentDate: new Date(now)
    })
    return []
  } catch {
    return [['assertion-wrong', 'the assertion that reaches the app cannot be verified']]
  }
}

function readKeySet (text: string | undefined): JSONWebKeySet | undefined {
  try {
    return text === undefined ? undefined : JSON.parse(text) as JSONWebKeySet
  } catch {
    return undefined
  }
}
