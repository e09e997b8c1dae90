import type { Config } from '../../../config.ts'
import { found, type Finding } from '../finding.ts'
import { looked, skipped, type Probe } from '../probe.ts'
import { NOBODY } from './resolver.ts'

/** A scheme that an Authgear with TRUST_PROXY cannot parse: it answers 500 even to nobody (authgear.md 1.1); without, it never looks at it. */
const UNREADABLE = { 'x-forwarded-proto': 'https,http' } as const

export const trustProxy: Probe = {
  title: 'Authgear believes the scheme that it is told',
  needs: 'authgear',
  async run ({ look, config: { authgear } }) {
    const told = `${authgear.endpoint.scheme}:`
    const used = new URL(authgear.resolverUrl).protocol
    if (told === used) return skipped('it need not: AUTHGEAR_RESOLVER_URL has the scheme of AUTHGEAR_ENDPOINT')
    const { status } = await look.ask(NOBODY, UNREADABLE)
    return status === 200 || status === 500 ? looked(judgeTrust(status, authgear)) : skipped(`something between answers ${status}`)
  }
}

export function judgeTrust (status: number, { endpoint, resolverUrl }: Pick<Config['authgear'], 'endpoint' | 'resolverUrl'>): Finding | undefined {
  return status === 500 ? undefined : found('trust-proxy', `${resolverUrl} does not read X-Forwarded-Proto, so ${endpoint.origin} is not the audience that it expects`)
}
