import { WEBHOOK_KNOWN_MS, WEBHOOK_SEEN } from '../../base/redis/keys.ts'
import type { At, Check, Checked, Found, PartFinding } from '../../base/parts/findings.ts'
import { labelOf } from './activity-types.ts'
import { type AuditClient, createAuditClient } from './client.ts'
import { AuditError } from './errors.ts'
import { comesWithWebhook } from './missed-webhooks.ts'
import type { AuditLogSettings } from './variables.ts'

export const findings = [
  {
    id: 'audit-log',
    severity: 'error',
    why: 'a sign-out, a terminated session or a change of roles is access until CACHE_TTL',
    set: 'what the line says; docs/audit-log.md has a table'
  },
  {
    id: 'webhook-silent',
    severity: 'warning',
    why: 'Authgear does not call this service: since September 2026 it refuses addresses that are not public, and ' +
      'says so in its own log alone (`outbound fetch blocked by SSRF address policy`)',
    set: 'this service\'s host in `http.insecure_fetch_address_allowed_hosts` of `authgear.features.yaml` ' +
      '(docs/revocation.md, "Authgear in your own network"); or the handler, or the proxy\'s route to /webhook'
  }
] as const satisfies readonly PartFinding<string>[]
type Id = (typeof findings)[number]['id']

/** Can the audit log be read, as the follower does it? An empty one is one, too. */
async function checkReading (_settings: unknown, at: At): Promise<Checked<Id>> {
  const all = { from: undefined, to: undefined, types: [] }
  const read = await readAudit(at, (client) => client.page(all, 1))
  const found: ReadonlyArray<Found<Id>> = read instanceof AuditError
    ? [['audit-log', `${read.kind}: ${read.message}`]]
    : []
  return { kind: 'looked', findings: found }
}

/** The trace is renewed once a minute at most, and the clocks of Authgear and of this machine differ. */
const MARGIN_MS = 2 * 60_000

/** Authgear says in its own log alone that it does not call us: its audit log shows what a webhook would have told. */
async function checkWebhooks ({ hasWebhook }: AuditLogSettings, at: At): Promise<Checked<Id>> {
  const { redis, clock } = at
  if (!hasWebhook) return skipped('there is no AUTHGEAR_WEBHOOK_SECRET')
  if (redis === undefined) return skipped('without Redis nothing remembers a webhook')
  const leftMs = await redis.commands.pttl(redis.keyOf(WEBHOOK_SEEN)).catch(() => undefined)
  if (leftMs === undefined) return skipped('Redis did not answer')
  const silence = silenceOf(leftMs)
  const now = clock.wall()
  const changes = await readAudit(at, (client) => countChanges(client, now - silence.ms, now))
  if (changes instanceof AuditError) return skipped('the audit log cannot be read')
  return { kind: 'looked', findings: judgeSilence(silence, changes) }
}

const skipped = (why: string) => ({ kind: 'skipped', why }) as const

export const checks: ReadonlyArray<Check<AuditLogSettings, Id>> = [
  { title: "Authgear's audit log can be read", off: 'it is not followed: AUTHGEAR_ADMIN_API_URL', run: checkReading },
  {
    title: 'webhooks come when users change',
    off: 'only the audit log tells that users changed: AUTHGEAR_ADMIN_API_URL',
    needs: 'redis',
    run: checkWebhooks
  }
]

type Silence = Readonly<{ ms: number, hasCome: boolean }>

/** @param leftMs what PTTL says of the newest webhook's trace: negative where there is none */
function silenceOf (leftMs: number): Silence {
  return leftMs < 0 ? { ms: WEBHOOK_KNOWN_MS, hasCome: false } : { ms: WEBHOOK_KNOWN_MS - leftMs, hasCome: true }
}

/** @param changes of users since then, that come by webhook too */
function judgeSilence ({ ms, hasCome }: Silence, changes: number): ReadonlyArray<Found<Id>> {
  if (changes === 0) return []
  const days = Math.floor(ms / 86_400_000)
  const since = !hasCome ? `for ${days} days at least` : days > 0 ? `for ${days} days` : 'since the newest one'
  const many = changes === 1 ? 'a change' : `${changes} changes`
  return [['webhook-silent', `no webhook has come ${since}, and the audit log has ${many} of users since`]]
}

/** @returns how many changes there were, as far as a webhook tells of their kind */
async function countChanges (client: AuditClient, sinceMs: number, nowMs: number): Promise<number> {
  const [from, to] = [sinceMs + MARGIN_MS, nowMs - MARGIN_MS].map((ms) => Math.floor(ms / 1000))
  if (from === undefined || to === undefined || from >= to) return 0
  const types = (await client.types()).filter((type) => comesWithWebhook(labelOf(type)))
  return types.length === 0 ? 0 : (await client.page({ from, to, types }, 1)).total
}

/** @returns the error where it cannot be read */
async function readAudit<T> (
  { openAdminApi, clock }: At, read: (client: AuditClient) => Promise<T>
): Promise<T | AuditError> {
  if (openAdminApi === undefined) throw new Error('no Admin API') // the rules see to it that there is one
  const client = createAuditClient({ openAdminApi, clock })
  try {
    return await read(client)
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  } finally {
    await client.close()
  }
}
