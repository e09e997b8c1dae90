import { type Json, objectOf } from '../../base/core/json.ts'

/** Seconds since 1970 by Authgear's clock, as `createdAt` has them. */
export type Second = number

/** One entry of Authgear's audit log. */
export type AuditEntry = Readonly<{
  /** 16 hex digits: unique, and in the order of commits. */
  seq: string
  second: Second
  type: string
  /** The event: who and what it is about. */
  data: Json
}>

/** The newest entries of a window, at most 100; `total` is how many there are in it, `now` Authgear's clock. */
export type Page = Readonly<{ entries: readonly AuditEntry[], total: number, now: Second }>

/** @returns undefined for what is no entry: without its seq it could not be told from another */
export function readEntry (edge: unknown): AuditEntry | undefined {
  const node = objectOf(objectOf(edge)?.['node'])
  const seq = seqOf(node?.['id'])
  const second = Math.floor(Date.parse(String(node?.['createdAt'])) / 1000)
  const type = node?.['activityType']
  if (node === undefined || seq === undefined || Number.isNaN(second) || typeof type !== 'string') return undefined
  return { seq, second, type, data: objectOf(node['data']) ?? {} }
}

/** The node's id is `AuditLog:<seq in hex>` in base64url. */
function seqOf (id: unknown): string | undefined {
  return typeof id === 'string'
    ? /^AuditLog:([0-9a-f]{16})$/.exec(Buffer.from(id, 'base64url').toString())?.[1]
    : undefined
}

/** Writes a time as Authgear reads it: it ignores a zone's offset. */
export function timeOf (second: Second): string {
  return new Date(second * 1000).toISOString().replace('.000Z', 'Z')
}
