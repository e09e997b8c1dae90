// @ts-check
import { randomInt } from 'node:crypto'

/** @import { AuditEvent } from './types.d.mts' */
/**
 * @typedef {{ seq: number, createdAt: number, visibleAt: number, activityType: string, data: object }} Entry createdAt
 * in seconds, visibleAt by performance.now()
 */
/**
 * @typedef {{ first?: number | null, rangeFrom?: string | null, rangeTo?: string | null, activityTypes?: readonly
 * string[] | null, sortDirection?: string | null }} Arguments
 */

/** Older ones are dropped: a simulator that runs for hours. */
const MAX_ENTRIES = 20_000
/** Authgear's largest page, and its default. */
const PAGE = 100

/** The audit log as the Admin API shows it: what is in a range, entries of one second in no order. */
export function createAuditLog () {
  /** @type {Entry[]} */
  let entries = []
  let seq = 3000
  const faults = { lateness: 0, losing: 0 }

  /** @param {AuditEvent} event */
  function append (event) {
    const { activityType, payload, userId, clientId, triggeredBy = 'user', createdAt } = event
    const { lateness = faults.lateness } = event
    seq += randomInt(1, 4) // events of other kinds take numbers too
    if (faults.losing > 0) { faults.losing--; return }
    const second = createdAt ?? Math.floor(Date.now() / 1000)
    const type = activityType.toLowerCase()
    const context = {
      timestamp: second,
      user_id: userId ?? null,
      triggered_by: triggeredBy,
      audit_context: {},
      app_id: 'app',
      ...(clientId === undefined ? {} : { client_id: clientId })
    }
    const data = { id: hex(seq), seq, type, payload, context }
    entries.push({ seq, createdAt: second, visibleAt: performance.now() + lateness, activityType, data })
    if (entries.length > MAX_ENTRIES) entries = entries.slice(-MAX_ENTRIES / 2)
  }

  /** @param {Arguments} args */
  function query ({ first, rangeFrom, rangeTo, activityTypes, sortDirection }) {
    const types = activityTypes && activityTypes.length > 0 ? new Set(activityTypes) : undefined
    const [from, to] = [instant(rangeFrom, -Infinity), instant(rangeTo, Infinity)]
    const now = performance.now()
    const found = entries.filter(({ createdAt, visibleAt, activityType }) =>
      visibleAt <= now && createdAt >= from && createdAt < to && (types === undefined || types.has(activityType)))
    const ordered = shuffled(found).sort((a, b) =>
      sortDirection === 'ASC' ? a.createdAt - b.createdAt : b.createdAt - a.createdAt
    )
    const count = first === undefined || first === null || first < 0 ? PAGE : Math.min(first, PAGE)
    return { total: found.length, page: ordered.slice(0, count) }
  }

  return Object.freeze({ append, query, faults })
}

/** @typedef {ReturnType<typeof createAuditLog>} AuditLog */

/** @param {number} seq */
export const hex = seq => seq.toString(16).padStart(16, '0')

/** Authgear ignores the zone's offset. @param {string | null | undefined} text @param {number} unbounded */
function instant (text, unbounded) {
  return typeof text === 'string' ? Date.parse(`${text.replace(/(Z|[+-]\d\d:\d\d)$/, '')}Z`) / 1000 : unbounded
}

/** @template T @param {readonly T[]} list @returns {T[]} */
function shuffled (list) {
  return list.map(item => ({ item, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ item }) => item)
}
