import type { Config } from '../../../config/index.ts'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Probe, skipped } from '../check.ts'
import { type CookieObservation, observeCookies } from './cookies.ts'

/**
 * Authgear clears a session's cookie with `Secure` where it believes to be asked over https (docs/inside/authgear.md,
 * "Which project is asked"). A scheme that it cannot parse would tell the same, and make it log a panic.
 */
export const trustProxy: Probe = {
  title: 'Authgear believes the scheme that it is told',
  needs: 'authgear',
  async run (context) {
    const { authgear } = context.config
    const told = `${authgear.endpoint.scheme}:`
    const used = new URL(authgear.resolverUrl).protocol
    if (told === used) return skipped('it need not: AUTHGEAR_RESOLVER_URL has the scheme of AUTHGEAR_ENDPOINT')
    const observation = await observeCookies(context).catch(() => undefined)
    if (observation?.kind !== 'seen') return skipped('Authgear cleared no cookie, which would tell')
    return looked(judgeTrust(observation, authgear))
  }
}

function judgeTrust (
  { isSecure }: Pick<CookieObservation & { kind: 'seen' }, 'isSecure'>,
  { endpoint, resolverUrl }: Pick<Config['authgear'], 'endpoint' | 'resolverUrl'>
): Finding | undefined {
  return isSecure === (endpoint.scheme === 'https')
    ? undefined
    : found(
      'trust-proxy',
        `${resolverUrl} does not read X-Forwarded-Proto, so ${endpoint.origin} is not the audience that it expects`
    )
}
