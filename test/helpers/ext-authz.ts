import type { Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import { ask, type Answer, type HeaderLine } from './request.ts'
import { startSimulator } from './simulator.ts'

/** What a gateway asks by: a prefix before the client's own path, and the headers of the client's that it passes. */
export type Asking = Readonly<{ path: string, allowedHeaders: readonly string[] }>

export const ALLOWED = ['Cookie', 'Accept', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'X-Requested-With']
export const filterOf = (policy: string): Asking => ({ path: `/ext-authz/~${policy}`, allowedHeaders: ALLOWED })

export const cookieOf = ({ cookie }: Readonly<{ cookie: string }>): HeaderLine => ['Cookie', `session=${cookie}`]

/** The first segment of the path is the policy, and Host and path say where a person was. */
export const AS_SHIPPED: Partial<InProcessOptions> = { EXT_AUTHZ_POLICY: 'required', EXT_AUTHZ_LOCATION: 'request' }

export async function startShipped (t: Test, options: Partial<InProcessOptions> = {}): Promise<InProcess> {
  const simulator = await startSimulator(t)
  return await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...AS_SHIPPED, ...options })
}

export type ClientRequest = Readonly<{
  method?: string
  host?: string
  path: string
  headers?: readonly HeaderLine[]
}>

const ALWAYS = ['authorization']

/** As Gateway API's filter ExternalAuth asks, by its specification. */
export async function askAsGateway (
  port: number,
  filter: Asking,
  { method = 'GET', host = 'app.example.com', path, headers = [] }: ClientRequest
): Promise<Answer> {
  const allowed = new Set([...ALWAYS, ...filter.allowedHeaders.map((name) => name.toLowerCase())])
  const sent = headers.filter(([name]) => allowed.has(name.toLowerCase()))
  return ask(port, { method, host, path: filter.path + path, headers: [...sent, ['Content-Length', '0']] })
}
