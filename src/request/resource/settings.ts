/** One entry of RESOURCES: an API or MCP server whose tokens Authgear issues. */
export type Resource = Readonly<{
  /** As it is registered at Authgear: nothing is normalised. */
  uri: string
  /** What its metadata offers; a route says which it needs. */
  scopes: readonly string[]
  name: string | undefined
  /** A page for developers. */
  documentation: string | undefined
}>

/**
 * Of signing in, not of a resource: a client that a person lets in gets no token without `openid`, and a machine gets
 * none with it. So a challenge names them where RESOURCES does, and no token has to carry them.
 */
export const SIGN_IN_SCOPES: readonly string[] = ['openid', 'offline_access']

export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/** @returns where the metadata of a resource is (RFC 9728, section 3.1) */
export function metadataUrlOf (uri: string): string {
  const { origin, path } = partsOf(uri)
  return `${origin}${METADATA_PATH}${path}`
}

/** The path is empty for a resource that is a whole host. */
export function partsOf (uri: string): Readonly<{ origin: string, host: string, path: string }> {
  const [, host = '', path = ''] = /^https:\/\/([^/]*)(.*)$/.exec(uri) ?? []
  return { origin: `https://${host}`, host: host.toLowerCase(), path: path === '/' ? '' : path }
}
