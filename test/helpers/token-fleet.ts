import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { HEARTBEAT_MS } from '../../src/base/revocation/token-ledger.ts'
import { type InProcess, type InProcessOptions, MANAGEMENT_TOKEN, startInProcess } from './in-process.ts'
import { managementOf } from './management.ts'
import { ask } from './request.ts'
import { type Issuer, machineClaims, RESOURCE, signed, startIssuer } from './token-issuer.ts'
import { until } from './until.ts'

const PATH = `/resource?resource=${encodeURIComponent(RESOURCE)}`
/** `iat` may be so far ahead: such a token is newer than all that a replica does not know. */
export const AHEAD_MS = 4000

export async function statusOfToken ({ port }: Pick<InProcess, 'port'>, token: string): Promise<number> {
  return (await ask(port, { path: PATH, headers: [['Authorization', `Bearer ${token}`]] })).status
}

export type Replica = InProcess & Readonly<{
  statusOf: (clientId: string) => Promise<number>
  /** Of the management listener. */
  call: (
    method: 'GET' | 'PUT' | 'DELETE', path: string, token?: string, more?: Readonly<Record<string, string>>
  ) => Promise<Called>
  block: (name: string) => Promise<Called>
  lift: (name: string) => Promise<Called>
}>
type Called = Readonly<{ status: number, body: Readonly<Record<string, unknown>> }>

export type TokenFleet = Readonly<{
  issuer: Issuer
  start: (options?: Partial<InProcessOptions>) => Promise<Replica>
}>

/** Replicas that judge tokens of one issuer. */
export async function tokenFleet (t: Test, common: Partial<InProcessOptions>): Promise<TokenFleet> {
  const issuer = await startIssuer(t)
  const now = common.clock ?? systemClock
  const tokenOf = (clientId: string): string =>
    signed(machineClaims(issuer.url, now.wall() + AHEAD_MS, { client_id: clientId, sub: `client_id_${clientId}` }))
  return {
    issuer,
    async start (options = {}) {
      const replica = await startInProcess(t, {
        AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, CACHE_DEGRADED_TTL: '2s', ...common, ...options
      })
      const management = managementOf(t, replica.service)
      const call: Replica['call'] = async (method, url, token = MANAGEMENT_TOKEN, more = {}) => {
        const answer = await management.inject({ method, url, headers: { authorization: `Bearer ${token}`, ...more } })
        return { status: answer.statusCode, body: answer.json() as Called['body'] }
      }
      const pathOf = (name: string): string => `/clients/${encodeURIComponent(name)}/block`
      return {
        ...replica,
        call,
        block: (name) => call('PUT', pathOf(name)),
        lift: (name) => call('DELETE', pathOf(name)),
        statusOf: (clientId) => statusOfToken(replica, tokenOf(clientId))
      }
    }
  }
}

export const statuses = (replicas: readonly Replica[], clientId: string): Promise<readonly number[]> =>
  Promise.all(replicas.map((replica) => replica.statusOf(clientId)))

export const isUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

/** Comes when a replica in this process has marked that it runs: by a clock that jumps further it was frozen. */
export const markedRunning = (): Promise<unknown> => sleep(HEARTBEAT_MS + 1) // timers of one process end in order

export async function untilAll (replicas: readonly Replica[], clientId: string, status: number): Promise<void> {
  await until(`${clientId} gets ${status}`, async () =>
    (await statuses(replicas, clientId)).every((found) => found === status))
}
