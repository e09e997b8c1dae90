import { openKeySet } from '../../../authgear/key-set.ts'
import { openPublicEndpoint } from '../../../authgear/public-endpoint.ts'
import type { Clock } from '../../../clock.ts'
import { metadataUrlOf, type Resource } from '../../../request/resource/settings.ts'
import { createVerifier, type Verification } from '../../../request/resource/verifier.ts'
import type { MemoryKey } from '../../../core/cache-key.ts'
import { jwtAudience } from '../../../core/token-expiry.ts'
import { KeysUnavailable } from '../../../errors.ts'
import { found, type Finding } from '../catalogue.ts'
import { type Context, looked, type Outcome, type Probe, skipped } from '../check.ts'
import { askPage, noPage } from '../page.ts'

const NO_RESOURCES = 'RESOURCES is not set'

/**
 * Does Authgear bear the name that tokens have to say, and can they be verified? Its name matters to every JWT; without
 * RESOURCES nothing else of it is needed.
 */
export const keys: Probe = {
  title: 'Authgear publishes its name and the keys of resource tokens',
  async run ({ config: { authgear, resources }, clock }) {
    const isNeeded = resources.length > 0
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

/** Whether a pasted token names a resource of ours: then Authgear's resolver is not asked about it. */
export function isResourceToken (token: string, resources: readonly Resource[]): boolean {
  const audience = jwtAudience(token) ?? []
  return resources.some(({ uri }) => audience.includes(uri))
}

/** Claim by claim; the token, its ids and its subject are never printed. */
export async function explainToken (token: string, { config, clock }: Context): Promise<Outcome> {
  const { authgear, resourceTokenMaxAgeMs: maxAgeMs } = config
  const keySet = openKeySet(authgear, { clock, observer: { fetched: () => {} } })
  try {
    const rules = { issuer: authgear.endpoint.origin, maxAgeMs }
    const verifier = createVerifier({ rules, keySet, clock, maxBytes: 2 ** 20, waitingBytes: 2 ** 20 })
    const verification = await verifier.verify(token, { key: '' as MemoryKey, headBytes: () => 0 })
    return judgeResourceToken(verification, config.resources)
  } finally {
    await keySet.close()
  }
}

function judgeResourceToken (verification: Verification, resources: readonly Resource[]): Outcome {
  if (verification.kind === 'unavailable') return looked(found('token-keys', verification.error.message))
  if (verification.kind === 'refused') return looked(found('resource-token', verification.why))
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
  const finding = scopes.length === 0 ? found('resource-scope', 'the pasted token has no scope') : undefined
  return { ...looked(finding), notes }
}

/** Through the proxy, as a client without a token asks. */
export const metadata: Probe = {
  title: 'clients find what they read to get a token',
  async run ({ config: { resources, authgear: { ca } }, options: { url } }) {
    if (resources.length === 0) return skipped(NO_RESOURCES)
    if (url === undefined) return skipped('--url says where clients reach the API')
    const host = new URL(url).host
    const here = resources.filter(({ uri }) => new URL(uri).host === host)
    if (here.length === 0) return skipped(`no entry of RESOURCES is on ${host}`)
    return looked(...await Promise.all(here.map(({ uri }) => metadataProblem(uri, url, ca))))
  }
}

async function metadataProblem (uri: string, origin: string, ca: string | undefined): Promise<Finding | undefined> {
  const { pathname } = new URL(metadataUrlOf(uri))
  const address = `${origin}${pathname}`
  const page = await askPage(address, {}, ca)
  if (!('code' in page)) return judgeMetadata(page.status, page.body, uri, address)
  return page.isTls ? noPage(address, page) : found('resource-metadata', `${address} does not answer`)
}

export function judgeMetadata (status: number, body: string, uri: string, address: string): Finding | undefined {
  if (status !== 200) return found('resource-metadata', `${address} answers ${status}`)
  try {
    const { resource } = JSON.parse(body) as Readonly<Record<string, unknown>>
    return resource === uri ? undefined : found('resource-metadata', `${address} is about another resource than ${uri}`)
  } catch {
    return found('resource-metadata', `${address} answers 200 with something else`)
  }
}
