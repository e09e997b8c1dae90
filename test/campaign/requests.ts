import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import type { Answer } from '../helpers/request.ts'
import { now, type Answered } from './history.ts'
import { WAYS, type Person } from './people.ts'
import type { World } from './world.ts'

/** Milliseconds after which a request that got no answer hangs. */
const PATIENCE_MS = 20_000

/** One request as a proxy makes it, noted with its answer. @returns the status, 0 where there was none */
export async function check (
  world: World,
  replica: number,
  person: Person | undefined,
  way: number,
  policy: 'none' | 'admin' = 'none'
): Promise<number> {
  const chosen = world.replicas[replica]
  if (chosen === undefined || !chosen.isUp) return 0
  const headers = person === undefined
    ? [['Authorization', `Bearer nobody${way}`.padEnd(39, 'x')] as const]
    : WAYS[way]?.(person) ?? []
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const at = now()
  const answer = await chosen.ask({ path: policy === 'admin' ? '/verify?role=admin' : '/verify', headers, signal })
    .catch(() => undefined)
  const endedAt = now()
  world.note(answer === undefined
    ? { kind: 'unanswered', replica, at, endedAt, hangs: signal.aborted }
    : { kind: 'answer', replica, person: person?.id, way, policy, at, endedAt, ...factsOf(answer) })
  return answer?.status ?? 0
}

type Facts = Pick<Answered, 'status' | 'userId' | 'roles' | 'reason' | 'source' | 'flaws' | 'session'>

export function factsOf ({ status, headers, body }: Answer): Facts {
  const text = (name: string): string => String(headers[name] ?? '')
  return {
    status,
    userId: headers['x-authgear-user-id']?.toString(),
    roles: headers['x-authgear-user-roles']?.toString(),
    reason: text('x-forward-auth-reason'),
    source: text('x-forward-auth-source'),
    flaws: flawsOf(status, headers, body),
    session: text('x-forward-auth-session')
  }
}

function flawsOf (status: number, headers: Answer['headers'], body: string): readonly string[] {
  const identity = Object.keys(headers).filter((name) => name.startsWith('x-authgear-'))
  if (status !== 200) return identity.length > 0 ? [`identity headers on ${status}`] : []
  const found: string[] = []
  if (IDENTITY_HEADERS.some((name) => headers[name] === undefined)) found.push('an identity header is missing')
  if (body !== '' || headers['set-cookie'] !== undefined) found.push('a 200 with a body or a cookie')
  return found
}
