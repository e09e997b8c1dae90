/** On every 200 of the endpoints for resource tokens, empty for a session. */
export const TOKEN_HEADERS = ['x-authgear-client-id', 'x-authgear-scope'] as const

/**
 * Scopes of signing in, not of a resource: a client that a person authorizes gets no token without `openid`, and a
 * machine gets none with it. So a challenge names them where the resource does, and no token has to carry them.
 */
export const SIGN_IN_SCOPES: readonly string[] = ['openid', 'offline_access']

export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/** @returns the address of a resource's metadata (RFC 9728, section 3.1) */
export function metadataUrlOf (uri: string): string {
  const { origin, path } = partsOf(uri)
  return `${origin}${METADATA_PATH}${path}`
}

/** The path is empty for a resource that is a whole host. */
export function partsOf (uri: string): Readonly<{ origin: string, host: string, path: string }> {
  const [, host = '', path = ''] = /^https:\/\/([^/]*)(.*)$/.exec(uri) ?? []
  return { origin: `https://${host}`, host: host.toLowerCase(), path: path === '/' ? '' : path }
}
