import { doctor } from '../../src/commands/doctor.ts'
import type { FindingId } from '../../src/commands/doctor/catalogue.ts'
import { OF_MCP as MCP_FINDINGS } from '../../src/parts/tokens/mcp/findings.ts'
import type { Clock } from '../../src/base/clock.ts'

/** What is found only by asking through a proxy: test/integration/doctor-proxy.test.ts makes each. */
export const THROUGH_PROXY: readonly FindingId[] = [
  'app-unreachable', 'app-certificate', 'app-open', 'identity-forged', 'identity-unused',
  'app-refuses', 'app-no-echo', 'identity-missing',
  'assertion-missing', 'assertion-keys', 'assertion-wrong'
]

/** What is found with LOGIN_SESSION=own: test/parts/login/integration/doctor-own-session.test.ts makes each. */
export const OF_OWN_SESSIONS: readonly FindingId[] = [
  'login-client-type', 'login-machine', 'login-cookie-lost', 'login-logout-uri', 'login-origin', 'login-route',
  'login-sso', 'redis-forgets', 'email-hidden'
]

/** What is found of the audit log and of blocked clients: the doctor.test.ts of either part makes each. */
export const OF_AUDIT_LOG = ['audit-log', 'webhook-silent'] as const
export const OF_CLIENTS = ['blocks-unreadable', 'blocked-client-asks'] as const

/** What is found of an MCP server: test/parts/tokens/unit/doctor-mcp.test.ts makes each. */
export const OF_MCP = MCP_FINDINGS.map(({ id }) => id)

/** What the Admin API shows of a session: test/integration/doctor-address.test.ts makes it. */
export const OF_ADDRESSES = ['authgear-address'] as const

/** What is found past the proxy: test/integration/doctor-ports.test.ts makes each. */
export const PAST_PROXY = ['port-open', 'port-own'] as const

/** What is found of Redis and of what replicas leave there: test/integration/doctor-redis.all.test.ts makes each. */
export const OF_REDIS: readonly FindingId[] = [
  'cache-secret', 'redis-cluster', 'redis-dns', 'redis-evicts', 'redis-forgets', 'redis-form', 'redis-full',
  'redis-log-long', 'redis-password', 'redis-read-only', 'redis-replicas', 'redis-rights', 'redis-sentinel',
  'redis-tls', 'redis-too-slow', 'redis-unreachable', 'rotation', 'rotation-over', 'webhook-secret',
  'webhook-unseen'
]

export interface Visit {
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly stdin?: string
  readonly clock?: Clock
}

export interface Transcript {
  readonly code: number
  readonly text: string
  /** As printed: `error authgear-dns`. */
  readonly findings: readonly string[]
}

/** `doctor` in this process, as its command line runs it. */
export async function visit ({ env, args = [], stdin = '', clock }: Visit): Promise<Transcript> {
  const printed: string[] = []
  const code = await doctor(
    args,
    env,
    { stdin: lines(stdin), out: { write: (text) => printed.push(text) }, err: { write: (text) => printed.push(text) } },
    clock
  )
  const text = printed.join('')
  const findings = [...text.matchAll(/^(error|warning) +([a-z-]+): /gm)].map(
    ([, severity, id]) => `${severity ?? ''} ${id ?? ''}`
  )
  return { code, text, findings: [...new Set(findings)] }
}

async function * lines (text: string): AsyncGenerator<string> { yield text }
