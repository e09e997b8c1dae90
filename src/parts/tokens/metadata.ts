import type { Route } from '../../base/http/paths.ts'
import { JSON_TYPE, NOT_FOUND } from '../../base/http/answers.ts'
import { tagged, unlessKnown } from '../../base/http/conditional.ts'
import { NO_CONTENT, OK } from '../../base/http/success.ts'
import type { TrustProxy } from '../../base/http/trusted-proxies.ts'
import type { Handler, HttpResponse, VerifyRequest } from '../../base/http/types.ts'
import { METADATA_PATH, partsOf } from '../../base/core/protected-resource.ts'
import type { Resource } from './resources.ts'

export type MetadataDeps = Readonly<{
  resources: readonly Resource[]
  /** AUTHGEAR_ENDPOINT */
  issuer: string
  trustProxy: TrustProxy
}>

/** A change of RESOURCES reaches clients within this time. */
const MAX_AGE_SECONDS = 300
/** Any script may read it: it holds nothing but the configuration. */
const CORS = ['access-control-allow-origin', '*'] as const

/**
 * Routes of the documents that clients without a token read (RFC 9728): for each path of RESOURCES, with and without a
 * slash at its end, and the bare path. Where several hosts have one path, the host decides.
 */
export function metadataRoutes ({ resources, issuer, trustProxy }: MetadataDeps): readonly Route[] {
  const documents = resources.map((resource) => ({ ...partsOf(resource.uri), response: answerOf(resource, issuer) }))
  const paths = new Set(['', ...documents.map(({ path }) => path.replace(/\/$/, ''))])
  return [...paths].flatMap((path) => {
    const atPath = documents.filter((one) => one.path.replace(/\/$/, '') === path)
    const answer = (asked: string): Handler => (request) => {
      const host = hostOf(request, trustProxy)
      const ofHost = documents.filter((one) => one.host === host)
      // one that differs in a slash is another resource
      const candidates = [...atPath.filter((one) => one.path === asked), ...atPath]
      // the bare path is each host's own, whatever the paths of its resources are
      const found = candidates.find((one) => one.host === host) ?? (path === '' ? ofHost[0] : undefined) ??
        ofOneHost(candidates)
      if (found === undefined) return { response: NOT_FOUND, reason: 'not_found', source: 'none', who: undefined }
      const response = request.method === 'OPTIONS'
        ? PREFLIGHT
        : unlessKnown(found.response, request.rawHeaders)
      return { response, reason: 'metadata', source: 'none', who: undefined }
    }
    const route = { endpoint: 'metadata', methods: ['GET', 'HEAD', 'OPTIONS'] } as const
    // the table's paths that end in a slash stand for all below
    return [
      { ...route, path: `${METADATA_PATH}${path}`, handler: answer(path) },
      { ...route, path: `${METADATA_PATH}${path}/`, handler: answer(`${path}/`), isExact: true }
    ]
  })
}

/** The client's host as the proxy forwards it; it only chooses among public documents. */
function hostOf ({ rawHeaders, socket }: VerifyRequest, trustProxy: TrustProxy): string | undefined {
  const valueOf = (...names: readonly string[]): string | undefined =>
    rawHeaders.find((_, index) => index % 2 === 1 && names.includes(rawHeaders[index - 1]?.toLowerCase() ?? ''))
  const forwarded = trustProxy(socket.remoteAddress, 0) ? valueOf('x-forwarded-host') : undefined
  return (forwarded ?? valueOf('host', ':authority'))?.toLowerCase().replace(/:443$/, '')
}

/** The document, where all are of one host: a proxy that hides the client's host leaves no other choice. */
function ofOneHost<T extends Readonly<{ host: string }>> (documents: readonly T[]): T | undefined {
  const [first] = documents
  return documents.every(({ host }) => host === first?.host) ? first : undefined
}

function answerOf ({ uri, scopes, name, documentation }: Resource, issuer: string): HttpResponse {
  const body = JSON.stringify({
    resource: uri,
    authorization_servers: [issuer],
    ...scopes.length === 0 ? {} : { scopes_supported: scopes },
    bearer_methods_supported: ['header'],
    resource_name: name,
    resource_documentation: documentation
  })
  const cache = ['cache-control', `public, max-age=${MAX_AGE_SECONDS}`]
  const type = ['content-type', JSON_TYPE, 'content-length', String(Buffer.byteLength(body))]
  return tagged({ status: OK, headers: [...type, ...cache, ...CORS, 'x-content-type-options', 'nosniff'], body })
}

const PREFLIGHT: HttpResponse = {
  status: NO_CONTENT,
  headers: [
    ...CORS, 'access-control-allow-methods', 'GET, HEAD, OPTIONS', 'access-control-allow-headers', '*',
    'access-control-max-age', String(MAX_AGE_SECONDS), 'cache-control', `public, max-age=${MAX_AGE_SECONDS}`
  ],
  body: ''
}
