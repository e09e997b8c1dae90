import type { Config } from '../../../config.ts'
import type { Credentials } from '../../../core/credentials.ts'
import { AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, type ResolverError } from '../../../errors.ts'
import { codeOf } from '../../../resolver/exchange.ts'
import type { Look, Seen } from '../../../resolver/look.ts'
import { found, type Finding } from '../finding.ts'
import { isNameError, isTlsError } from '../network.ts'
import { looked, type Context, type Probe } from '../probe.ts'

export type ResolverObservation =
  | Readonly<{ kind: 'answered', seen: Pick<Seen, 'status' | 'body' | 'reading'> & Readonly<{ location: string | undefined }> }>
  | Readonly<{ kind: 'failed', error: ResolverError }>

type Place = Readonly<{ authgear: Pick<Config['authgear'], 'endpoint' | 'resolverUrl'>, endpointText: string }>

/** Is there a resolver, and does it know this project? Asked without any credential. */
export const resolver: Probe = {
  title: 'Authgear\'s resolver answers',
  reaches: 'authgear',
  run: async (context) => looked(judgeResolver(await observeResolver(context), { authgear: context.config.authgear, endpointText: context.endpointText }))
}

export const NOBODY = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined } as const

/**
 * Asks about credentials, once more where the answer is a 500, which may be transient.
 * @throws {ResolverError} with its Redis down Authgear answers those who name nobody, and fails for everybody else
 */
export async function askAbout (look: Look, credentials: Credentials): Promise<Seen> {
  const first = await look.ask(credentials)
  const seen = first.status === 500 ? await look.ask(credentials) : first
  if (seen.status !== 200) throw new AuthgearStatus(seen.status)
  return seen
}

async function observeResolver ({ look }: Context): Promise<ResolverObservation> {
  try {
    const seen = await look.ask(NOBODY)
    return { kind: 'answered', seen: { ...seen, location: seen.header('location')[0] } }
  } catch (error) {
    return { kind: 'failed', error: error as ResolverError }
  }
}

export function judgeResolver (observation: ResolverObservation, place: Place): Finding | undefined {
  return observation.kind === 'failed' ? judgeFailure(observation.error, place.authgear.resolverUrl) : judgeAnswer(observation.seen, place)
}

export function judgeFailure (error: ResolverError, url: string): Finding {
  if (error instanceof AuthgearStatus) return found('authgear-fails', `${url} answers ${error.status} to whoever has a credential`)
  if (error instanceof AuthgearTimeout) return found('authgear-timeout', `${url}: ${error.message}`)
  if (error instanceof AuthgearGarbage || error instanceof AuthgearMisconfigured) return found('authgear-not-resolver', `${url}: ${error.message}`)
  const code = codeOf(error.cause)
  const host = new URL(url).hostname
  if (isNameError(code)) return found('authgear-dns', `${host}: the name is not known (${code})`)
  if (isTlsError(code)) return found('authgear-tls', `${url}: ${code}`)
  return found('authgear-unreachable', `${url}: ${code === '' ? 'no connection' : code}`)
}

function judgeAnswer ({ status, body, reading, location }: (ResolverObservation & { kind: 'answered' })['seen'], { authgear: { endpoint, resolverUrl }, endpointText }: Place): Finding | undefined {
  if (status >= 300 && status < 400) return found('authgear-redirect', `${resolverUrl} answers ${status}${placeOf(location, resolverUrl)}`)
  if (status === 404 && /^app not found/i.test(body)) return unknownHost(endpoint.host, endpointText)
  if (status === 404 || status === 405) return found('authgear-wrong-path', `${resolverUrl} answers ${status}`)
  if (status !== 200) return found('authgear-fails', `${resolverUrl} answers ${status}`)
  if (body.trim() !== '') return found('authgear-not-resolver', `${resolverUrl} answers 200 with a page`)
  if (reading.kind === 'unusable' || reading.resolution.kind === 'valid') return found('authgear-not-resolver', `${resolverUrl} names an identity where nobody was named, or one that cannot be read`)
  return undefined
}

function unknownHost (host: string, written: string): Finding {
  const odd = [/[A-Z]/.test(written.replace(/^https?/i, '')) ? 'upper case' : '', /:\d+\/?$/.test(written) ? 'a port' : ''].filter((text) => text !== '').join(' and ')
  return odd === '' ? found('authgear-unknown-host', `Authgear knows no project of the host ${host}`) : found('authgear-endpoint-spelling', `Authgear knows no project of the host ${host}, and AUTHGEAR_ENDPOINT is written with ${odd}`)
}

/** Origin only: what follows may be anything. */
function placeOf (location: string | undefined, base: string): string {
  return location === undefined || !URL.canParse(location, base) ? '' : ` to ${new URL(location, base).origin}`
}
