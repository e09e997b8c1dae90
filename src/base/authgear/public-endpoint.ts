import { AuthgearUnreachable, KeysUnavailable } from '../errors.ts'
import { authoritiesOf, Pool } from './undici.ts'

export type PublicEndpointSettings = Readonly<{
  /** AUTHGEAR_ENDPOINT */
  endpoint: Readonly<{ origin: string }>
  /** Milliseconds for one request in all. */
  timeoutMs: number
  /** PEM, beside the public roots. */
  ca: string | undefined
}>

/** An endpoint that Authgear answers to everybody. */
export type PublicEndpoint = Readonly<{
  /** @returns the body of a 200. @throws {KeysUnavailable} for every other answer, and for none */
  get: (path: string) => Promise<string>
  close: () => Promise<void>
}>

const MAX_BYTES = 64 * 1024

/** Connects on the first request, and follows no redirect. */
export function openPublicEndpoint ({ endpoint, timeoutMs, ca }: PublicEndpointSettings): PublicEndpoint {
  const pool = new Pool(endpoint.origin, {
    connections: 1,
    connect: { timeout: timeoutMs, ...authoritiesOf(ca) },
    maxResponseSize: MAX_BYTES
  })
  return Object.freeze({
    async get (path: string): Promise<string> {
      try {
        const signal = AbortSignal.timeout(timeoutMs)
        const { statusCode, body } = await pool.request({ method: 'GET', path, signal })
        const text = await body.text()
        if (statusCode === 200) return text
        throw new KeysUnavailable(`${path} answered ${statusCode}`)
      } catch (error) {
        if (error instanceof KeysUnavailable) throw error
        throw new KeysUnavailable(`${path} cannot be read`, new AuthgearUnreachable(error))
      }
    },
    close: () => pool.destroy()
  })
}
