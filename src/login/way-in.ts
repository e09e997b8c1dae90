import type { Policy } from '../core/policy.ts'
import type { RefusalReason } from '../core/reason.ts'
import { isReading, readErrand, type Errand } from './errand.ts'
import { writeLoginQuery } from './login-query.ts'
import type { ReturnUrls } from './return-url.ts'
import type { LoginSettings } from './settings.ts'

/** A refusal of a browser's navigation; presentation only, it is refused either way. */
export type Refused = Readonly<{
  reason: RefusalReason
  bearer: boolean
  /** What a step-up would have to give. */
  challenge?: Readonly<{ maxAge: number | undefined, amr: readonly string[] }> | undefined
  method: string
  rawHeaders: readonly string[]
  /** Whether TRUSTED_PROXIES vouch for the peer's `X-Forwarded-*`. */
  isTrusted: () => boolean
  policy: () => Policy
}>

/** `offer`: for proxies that cannot pass a redirect (`login=off`) and make one of their own. */
export type WayIn = Readonly<{ kind: 'redirect' | 'offer', location: string }>

/** @returns where to send a person; undefined where a login changes nothing, or must not begin */
export type FindWayIn = (refused: Refused) => WayIn | undefined

export function createWayIn ({ publicUrl, path }: Pick<LoginSettings, 'publicUrl' | 'path'>, returnUrls: ReturnUrls): FindWayIn {
  const login = `${publicUrl}${path}/login`
  const { host: publicHost } = new URL(publicUrl)
  return (refused) => {
    if (!isReading(refused.method) || !canHelp(refused)) return undefined
    const errand = readErrand(refused.rawHeaders)
    if (!errand.isPage || !errand.isRead) return undefined
    // the proxy asks about the login's own route instead of leading there: a redirect would be one without end
    if (errand.host?.replace(/:443$/, '') === publicHost && errand.uri?.startsWith(`${path}/`) === true) return undefined
    const policy = refused.policy()
    // today's Authgear sends no amr: whoever came back would be refused again
    if (policy.kind === 'bad' || policy.amr.length > 0) return undefined
    const returnTo = refused.isTrusted() ? returnUrlOf(errand, returnUrls) : undefined
    return { kind: policy.loginOff ? 'offer' : 'redirect', location: login + writeLoginQuery({ returnTo, maxAge: refused.challenge?.maxAge }) }
  }
}

function canHelp ({ reason, bearer }: Refused): boolean {
  switch (reason) {
    case 'no_credentials':
    case 'invalid_session':
    case 'expired_credentials':
    case 'step_up_required': return true
    // a broken cookie is replaced by a login, an Authorization line is not
    case 'malformed_credentials': return !bearer
    default: return false
  }
}

/** Over https whatever the proxy says: the session's cookie is sent over nothing else. */
function returnUrlOf ({ host, uri }: Errand, { read }: ReturnUrls): string | undefined {
  return host === undefined || uri === undefined || !uri.startsWith('/') ? undefined : read(`https://${host}${uri}`)
}
