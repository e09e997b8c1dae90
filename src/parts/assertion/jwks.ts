import { JSON_TYPE } from '../../base/http/answers.ts'
import { tagged } from '../../base/http/conditional.ts'
import { OK } from '../../base/http/success.ts'
import type { HttpResponse, Status } from '../../base/http/types.ts'
import type { PublicDocument } from '../../base/parts/feature.ts'
import type { KeyRing } from './key-ring.ts'
import { MAX_AGE_SECONDS } from './key-set.ts'
import { JWKS_PATH } from './types.ts'

/** An empty set would be kept by verifiers for its max-age. */
const NO_KEY: HttpResponse = responseOf(503, '{"error":"no_key"}', 'no-store', ['retry-after', '1'])

/** The key set as it is now: a new text only where a key came or went. Needs no Redis. */
export function createKeySetResponse (ring: Pick<KeyRing, 'published'>): () => HttpResponse {
  let made: Readonly<{ kids: string, response: HttpResponse }> | undefined
  return () => {
    const keys = ring.published()
    if (keys.length === 0) return NO_KEY
    const kids = keys.map(({ kid }) => kid).join()
    if (made?.kids !== kids) {
      const body = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
      made = { kids, response: tagged(responseOf(OK, body, `public, max-age=${MAX_AGE_SECONDS}`, [])) }
    }
    return made.response
  }
}

/** The key set on both listeners. */
export function keySetDocument (keySet: () => HttpResponse): PublicDocument {
  return {
    path: JWKS_PATH,
    endpoint: 'jwks',
    read () {
      const response = keySet()
      return { response, reason: response.status === 200 ? 'key_set' : 'no_key' }
    }
  }
}

function responseOf (status: Status, body: string, caching: string, more: readonly string[]): HttpResponse {
  const length = String(Buffer.byteLength(body))
  const type = ['content-type', JSON_TYPE, 'content-length', length, 'x-content-type-options', 'nosniff']
  return { status, headers: [...type, 'cache-control', caching, ...more], body }
}
