import { machineClaims, RESOURCE, signed, type Issuer } from '../helpers/token-issuer.ts'
import { now, type Moment } from './history.ts'
import type { World } from './world.ts'

/** One agent or machine, with tokens of its own. */
export type Client = {
  readonly id: string
  /** The others are never blocked. */
  readonly mayBeBlocked: boolean
  isBlocked: boolean
  /** One word about a client at a time. */
  isBusy: boolean
}

const BLOCKED_AT_TIMES = 5
const NEVER_BLOCKED = 2
/** `iat` may be so far ahead: such a token is newer than all that a replica does not know. */
const AHEAD_MS = 4000
const RENEWED_MS = 1000
const PATIENCE_MS = 20_000
const PATH = `/resource?resource=${encodeURIComponent(RESOURCE)}`

export const createClients = (): readonly Client[] =>
  Array.from({ length: BLOCKED_AT_TIMES + NEVER_BLOCKED }, (_, index) => ({
    id: `dcrc_${index}`, mayBeBlocked: index < BLOCKED_AT_TIMES, isBlocked: false, isBusy: false
  }))

/** The newest token of each client: Authgear issues them whether the client is blocked here or not. */
export function createTokens ({ url }: Issuer): (clientId: string) => string {
  const tokens = new Map<string, Readonly<{ token: string, since: Moment }>>()
  return (clientId) => {
    const known = tokens.get(clientId)
    if (known !== undefined && now() - known.since < RENEWED_MS) return known.token
    const claims = { client_id: clientId, sub: `client_id_${clientId}` }
    const token = signed(machineClaims(url, Date.now() + AHEAD_MS, claims))
    tokens.set(clientId, { token, since: now() })
    return token
  }
}

/** One request with the client's token, noted with its answer. @returns the status, 0 where there was none */
export async function checkClient (world: World, replica: number, { id }: Client): Promise<number> {
  const chosen = world.replicas[replica]
  if (chosen === undefined || !chosen.isUp) return 0
  const headers = [['Authorization', `Bearer ${world.tokenOf(id)}`]] as const
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const at = now()
  const answer = await chosen.ask({ path: PATH, headers, signal }).catch(() => undefined)
  const endedAt = now()
  const reason = String(answer?.headers['x-forward-auth-reason'] ?? '')
  world.note(answer === undefined
    ? { kind: 'unanswered', replica, at, endedAt, hangs: signal.aborted }
    : { kind: 'client', client: id, replica, at, endedAt, status: answer.status, reason })
  return answer?.status ?? 0
}
