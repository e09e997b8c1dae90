import t from 'tap'
import { grpcClient, linesOf } from '../../helpers/grpc.ts'
import type { InProcess } from '../../helpers/in-process.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { RESOURCE } from '../../helpers/token-issuer.ts'

export const bearer = (token: string): readonly HeaderLine[] => [['Authorization', `Bearer ${token}`]]
export const TO_RESOURCE = `resource=${encodeURIComponent(RESOURCE)}`

/** Status and reason of one question. */
type Edge = (replica: InProcess, headers: readonly HeaderLine[]) => Promise<string>

/** Asks HTTP for a path. */
export const over = (path: string, more: readonly HeaderLine[] = []): Edge => async ({ port }, headers) => {
  const answer = await ask(port, { path, headers: [...headers, ...more] })
  return `${answer.status} ${answer.headers['x-forward-auth-reason'] ?? ''}`
}

/** Each way by which a person's session is judged. */
export const EDGES: Readonly<Record<string, Edge>> = {
  '/verify': over('/verify'),
  '/verify?anonymous=false': over('/verify?anonymous=false'),
  '/verify with a policy header of the client': over('/verify', [['X-Forward-Auth-Policy', 'login=off']]),
  'the prefix': over('/ext-authz/some/page'),
  'the prefix with ~anonymous=false': over('/ext-authz/~anonymous=false/page'),
  'resource or session': over(`/resource-or-session?${TO_RESOURCE}`),
  gRPC: async ({ grpcPort }, headers) => {
    const client = grpcClient(t, grpcPort)
    const sent = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))
    const { ok_response: ok, denied_response: denied } = await client.check({
      request: { http: { method: 'GET', host: 'app.example.com', path: '/', headers: sent } }
    })
    // Envoy hands a 200's reason to nobody
    if (ok !== undefined) return '200 allowed'
    return `${denied?.status.code} ${linesOf(denied?.headers ?? [])['x-forward-auth-reason']}`
  }
}
