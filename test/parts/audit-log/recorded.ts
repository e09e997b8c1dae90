import { readFileSync } from 'node:fs'
import type { Answer } from '../../../src/parts/audit-log/client.ts'

/**
 * One exchange with a real Authgear's Admin API; tokens are placeholders in angle brackets, long lists are cut in the
 * middle.
 */
export interface AuditExchange {
  readonly what: string
  readonly request: Readonly<{
    query?: string
    variables?: Readonly<Record<string, unknown>>
    method?: string
    path?: string
    headers?: Readonly<Record<string, string>>
    body?: string
    jwt_header?: Readonly<Record<string, unknown>>
    jwt_payload?: Readonly<Record<string, unknown>>
  }>
  readonly response: Readonly<{
    status: number
    headers: Readonly<Record<string, string | readonly string[]>>
    body: unknown
  }>
  /** The answer's body, as it went over the wire; edges that the record leaves out are left out. */
  readonly text: string
}

type Raw = Omit<AuditExchange, 'text'>

export function recordedAudit (): readonly AuditExchange[] {
  const all = JSON.parse(readFileSync(new URL('fixtures/audit-log.json', import.meta.url), 'utf8')) as readonly Raw[]
  return all.map((raw) => ({ ...raw, text: textOf(raw.response.body) }))
}

function textOf (body: unknown): string {
  return typeof body === 'string'
    ? body
    : JSON.stringify(body, (_, value: unknown) =>
      Array.isArray(value) ? value.filter((item) => !isLeftOut(item)) : value
    )
}

const isLeftOut = (item: unknown): boolean => typeof item === 'string' && item.endsWith('left out of this record ...')

/** One recorded answer, by what it answers. */
export function recordedAnswer (what: string, edit = (text: string): string => text): Answer {
  const record = recordedAudit().find((one) => one.what === what)
  if (record === undefined) throw new Error(`no record ${what}`)
  return { status: record.response.status, body: edit(record.text), now: 0 }
}
