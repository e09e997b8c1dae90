import { openKeySet } from '../../../base/authgear/key-set.ts'
import { openPublicEndpoint } from '../../../base/authgear/public-endpoint.ts'
import type { Clock } from '../../../base/clock.ts'
import { KeysUnavailable } from '../../../base/errors.ts'
import { found, type Finding } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'

/** Does Authgear bear the name that each JWT has to say? Can resource tokens be verified, where a part takes any? */
export const keys: Probe = {
  title: 'Authgear publishes its name and the keys of resource tokens',
  async run ({ config: { authgear, parts }, clock }) {
    const isNeeded = parts.some(({ claims }) => claims.tokenMaxAgeMs !== undefined)
    const endpoint = openPublicEndpoint(authgear)
    try {
      const issuer = judgeIssuer(await endpoint.get('/.well-known/openid-configuration'), authgear.endpoint.origin)
      if (isNeeded) return looked(issuer, await keysProblem(authgear, clock))
      return issuer?.id === 'token-keys' ? skipped(issuer.what) : looked(issuer)
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) throw error
      return isNeeded ? looked(found('token-keys', error.message)) : skipped(error.message)
    } finally {
      await endpoint.close()
    }
  }
}

export function judgeIssuer (discovery: string, origin: string): Finding | undefined {
  let issuer: unknown
  try {
    issuer = (JSON.parse(discovery) as Readonly<Record<string, unknown>>)['issuer']
  } catch {
    return found('token-keys', 'its discovery document is no JSON')
  }
  if (issuer === origin) return undefined
  const named = typeof issuer === 'string' && /^https?:\/\/[\w.:-]{1,260}\/?$/.test(issuer) ? issuer : 'something else'
  return found('issuer', `Authgear calls itself ${named}, and AUTHGEAR_ENDPOINT is ${origin}`)
}

async function keysProblem (authgear: Context['config']['authgear'], clock: Clock): Promise<Finding | undefined> {
  const keySet = openKeySet(authgear, { clock, observer: { fetched: () => {} } })
  try {
    await keySet.keyOf('')
    return undefined
  } catch (error) {
    return found('token-keys', error instanceof Error ? error.message : 'unknown')
  } finally {
    await keySet.close()
  }
}
