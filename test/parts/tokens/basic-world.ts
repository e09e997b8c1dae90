import type { Test } from 'tap'
import { type InProcess, type InProcessOptions, redisAt, startInProcess } from '../../helpers/in-process.ts'
import { metricOf } from '../../helpers/in-process-on-clock.ts'
import { type ManualClock, manualClock } from '../../helpers/manual-clock.ts'
import { type Answer, ask, type HeaderLine } from '../../helpers/request.ts'
import { AHEAD_MS } from '../../helpers/token-fleet.ts'
import { type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'

export const API = 'https://api.example.com'
export const OTHER_API = 'https://other.example.com/v2'
export const SCOPES = ['read', 'write'] as const
export const basic = (clientId: string, secret: string): HeaderLine =>
  ['Authorization', `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`]
export const route = (more = '', resource = API): string =>
  `/resource?resource=${encodeURIComponent(resource)}&basic=on${more}`

type Resource = Readonly<{ uri: string, scopes: readonly string[] }>
type Machine = { id: string, secret: string, scopes: readonly string[] }

export type Replica = InProcess & Readonly<{
  ask: (clientId: string, secret: string, more?: Readonly<{ path?: string, headers?: readonly HeaderLine[] }>) =>
  Promise<Answer>
  /** Status and reason. */
  says: (clientId: string, secret: string, path?: string) => Promise<string>
  /** `forward_auth_basic_exchanges_total` of an outcome. */
  exchanges: (outcome: string) => Promise<number>
}>

export type BasicWorld = Readonly<{
  clock: ManualClock
  simulator: RunningSimulator
  /** A client is deleted, or its secret rotated, by a change of this list. */
  machines: Machine[]
  resources: Resource[]
  /** Calls of the token endpoint. */
  calls: () => number
  start: (options?: Partial<InProcessOptions>) => Promise<Replica>
}>

/**
 * An Authgear with its real limits, five machines whose secrets are `of NAME`, and replicas on its clock; with Redis on
 * the system's, since Redis has no other.
 */
export async function basicWorld (
  t: Test, { redis, ...options }: Partial<InProcessOptions> & { redis?: number } = {}
): Promise<BasicWorld> {
  const clock = manualClock()
  const machines = ['one', 'two', 'three', 'four', 'five'].map((id): Machine =>
    ({ id, secret: `of ${id}`, scopes: [...SCOPES] }))
  const resources: Resource[] = [API, OTHER_API].map((uri) => ({ uri, scopes: SCOPES }))
  const simulator = await startSimulator(t, {
    now: redis === undefined ? clock.wall : () => Date.now() + AHEAD_MS, machines, resources, clients: []
  })
  simulator.controls.tokens.limit()
  return {
    clock,
    simulator,
    machines,
    resources,
    calls: () => simulator.controls.tokens.calls,
    async start (more = {}) {
      const replica = await startInProcess(t, {
        AUTHGEAR_ENDPOINT: simulator.url,
        RESOURCES: [API, OTHER_API].join(' '),
        ...redis === undefined ? { clock } : redisAt(redis),
        ...options,
        ...more
      })
      clock.advance(60_000) // tokens are newer than what it knows
      const asks: Replica['ask'] = (clientId, secret, { path = route(), headers = [] } = {}) =>
        ask(replica.port, { path, headers: [basic(clientId, secret), ...headers] })
      return {
        ...replica,
        ask: asks,
        async says (clientId, secret, path = route()) {
          const { status, headers } = await asks(clientId, secret, { path })
          return `${status} ${String(headers['x-forward-auth-reason'])}`
        },
        exchanges: (outcome) => metricOf(replica, `forward_auth_basic_exchanges_total{outcome="${outcome}"}`)
      }
    }
  }
}
