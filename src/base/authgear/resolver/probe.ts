import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { CookieNames, Credentials } from '../../core/credentials.ts'
import { readResolution, type ResolutionReading } from '../../core/resolution.ts'
import { ResolverError } from '../../errors.ts'
import { classify, valuesOf, whyNotAuthgears } from './answer.ts'
import { openPool, requestHeaders, type ResolverSettings } from './client.ts'

/** Any HTTP answer, unjudged. */
export type ProbedAnswer = Readonly<{
  status: number
  /** The values of all lines of that name, in lower case. */
  header: (name: string) => readonly string[]
  body: string
  reading: ResolutionReading
  /** Why it is not Authgear's, where the status is 200. */
  whyForeign: string | undefined
}>

/** The resolver as the service sees it, without circuit breaker, retry and cache: for `doctor`. */
export type ResolverProbe = Readonly<{
  /**
   * @param override headers that replace the service's own @param address of the client
   * @throws {ResolverError} where there is no answer
   */
  ask: (
    credentials: Credentials, override?: Readonly<Record<string, string>>, address?: string
  ) => Promise<ProbedAnswer>
  /** Validity of the newest connection's certificate, in milliseconds since 1970. */
  certificate: () => Readonly<{ from: number, to: number }> | undefined
  close: () => Promise<void>
}>

const NO_CLIENT = {
  address: undefined,
  userAgent: 'authgear-forward-auth doctor',
  traceparent: undefined,
  tracestate: undefined
} as const

export function createResolverProbe (settings: ResolverSettings): ResolverProbe {
  const url = new URL(settings.resolverUrl)
  let certificate: ReturnType<ResolverProbe['certificate']>
  const pool = openPool(url, settings, (socket) => { certificate = certificateOf(socket) })
  return Object.freeze({
    async ask (
      credentials: Credentials, override: Readonly<Record<string, string>> = {}, address?: string
    ): Promise<ProbedAnswer> {
      const signal = AbortSignal.timeout(settings.timeoutMs)
      const headers = requestHeaders(settings, credentials, { ...NO_CLIENT, address }).map((value, index, all) =>
        index % 2 === 1 ? (override[all[index - 1] ?? ''] ?? value) : value
      )
      try {
        const path = `${url.pathname}${url.search}`
        const answer = await pool.request({ method: 'GET', path, headers, signal, responseHeaders: 'raw' })
        const lines = Array.isArray(answer.headers) ? answer.headers.map(String) : []
        return probed(answer.statusCode, lines, await answer.body.text(), settings.cookieNames)
      } catch (error) {
        throw asResolverError(error, signal, settings.timeoutMs)
      }
    },
    certificate: () => certificate,
    close: () => pool.destroy()
  })
}

function probed (status: number, lines: readonly string[], body: string, own: CookieNames): ProbedAnswer {
  const reading = readResolution(lines)
  const whyForeign = status === 200 ? whyNotAuthgears(lines, reading, body === '', own) : undefined
  return { status, header: (name) => valuesOf(lines, name), body, reading, whyForeign }
}

function asResolverError (error: unknown, signal: AbortSignal, timeoutMs: number): ResolverError {
  const late = signal.aborted ? Object.assign(new Error('late'), { code: 'PROBE_TIMEOUT' }) : error
  return classify(late, timeoutMs)
}

function certificateOf (socket: Socket): ReturnType<ResolverProbe['certificate']> {
  if (!(socket instanceof TLSSocket)) return undefined
  const { valid_from: from, valid_to: to } = socket.getPeerCertificate()
  return { from: Date.parse(from), to: Date.parse(to) }
}
