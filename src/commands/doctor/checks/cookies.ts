import { randomBytes, randomUUID } from 'node:crypto'
import { type Finding, found } from '../catalogue.ts'
import { type Context, hidingOf, looked, type Probe, skipped } from '../check.ts'
import { askAbout, NOBODY } from './authgear.ts'
import type { Config } from '../../../base/config/index.ts'

/**
 * Authgear's answer to a session that does not exist: it clears the cookie, by its own name and domain, if it saw it.
 */
export type CookieObservation =
  | Readonly<{ kind: 'unseen' }>
  /** `isSecure`: it believes to be asked over https. */
  | Readonly<{ kind: 'seen', domain: string | undefined, isSecure: boolean }>

/** Without anybody's cookie: a session that is none tells prefix and domain. */
export const cookies: Probe = {
  title: 'cookie prefix and domain',
  needs: 'authgear',
  async run (context) {
    const { config: { authgear }, options: { host } } = context
    const hidden = hidingOf(context)
    if (hidden !== undefined) return skipped(`${hidden}: no cookie of Authgear's is read`)
    return looked(
      judgeCookies(await observeCookies(context), {
        prefix: authgear.cookiePrefix,
        authgear: new URL(authgear.endpoint.origin).hostname,
        app: host
      })
    )
  }
}

async function observeCookies ({ look }: Context): Promise<CookieObservation> {
  // in the form of a session's, so that Authgear looks it up
  const session = `${randomUUID()}.${randomBytes(16).toString('hex')}`
  for (let tries = 0; tries < 2; tries++) { // none at all may be a hiccup of its database
    const seen = await askAbout(look, { ...NOBODY, session })
    const isSeen =
      seen.reading.kind === 'resolution' &&
      seen.reading.resolution.kind === 'invalid' &&
      !seen.reading.resolution.noIdentityHeaders
    if (isSeen) {
      const lines = seen.header('set-cookie')
      return {
        kind: 'seen',
        domain: lines
          .map((line) => /;\s*domain=\.?([^;\s]+)/i.exec(line)?.[1]?.toLowerCase())
          .find((domain) => domain !== undefined),
        isSecure: lines.some((line) => /;\s*secure\s*(?:;|$)/i.test(line))
      }
    }
  }
  return { kind: 'unseen' }
}

type Hosts = Readonly<{ prefix: string, authgear: string, app: string | undefined }>

export function judgeCookies (observation: CookieObservation, { prefix, authgear, app }: Hosts): Finding | undefined {
  if (observation.kind === 'unseen') {
    return found('cookie-prefix', `Authgear does not look at a cookie named ${prefix}session`)
  }
  const { domain } = observation
  if (app !== undefined && app !== authgear && !covers(domain, app)) {
    return found(
      'cookie-domain',
      `Authgear's cookies are for ${domain === undefined ? `${authgear} alone` : `${domain} and what is under it`}, ` +
        `and ${app} is not`
    )
  }
  return domain === undefined && app === undefined
    ? found('cookie-host-only', `Authgear's cookies are for ${authgear} alone`)
    : undefined
}

function covers (domain: string | undefined, host: string): boolean {
  return domain !== undefined && (host === domain || host.endsWith(`.${domain}`))
}

/**
 * Authgear clears a session's cookie with `Secure` where it believes to be asked over https (docs/inside/authgear.md,
 * "Which project is asked"). A scheme that it cannot parse would tell the same, and make it log a panic.
 */
export const trustProxy: Probe = {
  title: 'Authgear believes X-Forwarded-Proto',
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
