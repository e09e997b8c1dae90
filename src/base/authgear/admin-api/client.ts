import { authoritiesOf, connectorTo, Pool } from '../undici.ts'
import { AdminApiError } from './errors.ts'
import type { AdminKey } from './token.ts'

/** AUTHGEAR_ADMIN_API_*: the address of the Admin API, and the project's key for it. */
export type AdminApiAccount = Readonly<{ url: string, key: AdminKey, appId: string }>

export type AdminApiSettings = Readonly<{
  /** The GraphQL endpoint. */
  url: string
  /** The project's public origin, by which an Authgear of several projects knows it. */
  endpoint: Readonly<{ host: string, scheme: 'http' | 'https' }>
  /** PEM, beside the public roots. */
  ca: string | undefined
  token: () => Promise<string>
}>

/** The load that a caller may put on Authgear, and the answers that it can take. */
export type AdminApiLimits = Readonly<{
  /** Queries at a time: Authgear has few connections to its database, and the resolver needs them too. */
  connections: number
  /** For one query in all: Authgear has no limit of its own. */
  deadlineMs: number
  maxBodyBytes: number
}>

/** The answer as it arrived; `date` is empty where Authgear sent none. */
export type AdminApiResponse = Readonly<{ status: number, body: string, date: string }>

export type AdminApi = Readonly<{
  /** @throws {AdminApiError} only where there is no answer: `timeout`, `unreachable`, `too_large` */
  query: (text: string, variables: object) => Promise<AdminApiResponse>
  close: () => Promise<void>
}>

/** Connects on the first request, and follows no redirect. */
export function openAdminApi (
  { url, endpoint, ca, token }: AdminApiSettings,
  { connections, deadlineMs, maxBodyBytes }: AdminApiLimits
): AdminApi {
  const target = new URL(url)
  const connect = connectorTo(target.hostname, authoritiesOf(ca))
  const pool = new Pool(target.origin, { connect, connections, pipelining: 1, maxResponseSize: maxBodyBytes })
  // by its host Authgear knows the project, and by host and scheme it makes the addresses of pictures
  const forwarded = { host: endpoint.host, 'x-forwarded-host': endpoint.host, 'x-forwarded-proto': endpoint.scheme }
  return Object.freeze({
    async query (text: string, variables: object): Promise<AdminApiResponse> {
      const signal = AbortSignal.timeout(deadlineMs)
      try {
        const { statusCode, headers, body } = await pool.request({
          method: 'POST',
          path: target.pathname,
          headers: { ...forwarded, 'content-type': 'application/json', authorization: `Bearer ${await token()}` },
          body: JSON.stringify({ query: text, variables }),
          signal
        })
        return { status: statusCode, body: await body.text(), date: String(headers['date'] ?? '') }
      } catch (error) {
        throw new AdminApiError(signal.aborted ? 'timeout' : isTooLarge(error) ? 'too_large' : 'unreachable', error)
      }
    },
    close: () => pool.destroy()
  })
}

function isTooLarge (error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE'
}
