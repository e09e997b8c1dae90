import type { Clock } from '../../base/clock.ts'
import type { AdminApi, AdminApiLimits } from '../../base/authgear/admin-api/client.ts'
import { AdminApiError, kindOfStatus } from '../../base/authgear/admin-api/errors.ts'
import { type Json, listOf, objectOf, parseObject } from '../../base/core/json.ts'
import { type Page, readEntry, type Second, timeOf } from './entry.ts'
import { AuditError, type AuditErrorKind } from './errors.ts'
import { PAGE, type Window } from './window.ts'

/** An answer as it came over the wire. */
export type Answer = Readonly<{
  status: number
  body: string
  /** Authgear's clock. */
  now: Second
}>

/** @throws {AuditError} for every answer that is not a page: most errors come with status 200 */
export function readPage (answer: Answer): Page {
  const log = objectOf(dataOf(answer)['auditLogs'])
  const total = log?.['totalCount']
  if (log === undefined || typeof total !== 'number') throw new AuditError('garbage')
  const entries = listOf(log['edges']).map(readEntry)
  if (!entries.every((entry) => entry !== undefined)) throw new AuditError('garbage')
  return { entries, total, now: answer.now }
}

/** The activity types that this Authgear knows. @throws {AuditError} */
export function readTypes (answer: Answer): readonly string[] {
  const names = listOf(objectOf(dataOf(answer)['__type'])?.['enumValues']).map((value) => objectOf(value)?.['name'])
  const types = names.filter((name): name is string => typeof name === 'string')
  if (types.length === 0) throw new AuditError('query')
  return types
}

function dataOf ({ status, body }: Answer): Json {
  if (status !== 200) throw new AuditError(kindOfStatus(status))
  const answer = parseObject(body)
  if (answer === undefined) throw new AuditError('garbage')
  const data = objectOf(answer['data'])
  if ('errors' in answer || data === undefined || data['auditLogs'] === null) {
    throw new AuditError(kindOfErrors(listOf(answer['errors'])))
  }
  return data
}

/** Not configured, missing, without its tables and down are one and the same text, with neither path nor reason. */
function kindOfErrors (errors: readonly unknown[]): AuditErrorKind {
  return errors.length === 0 || errors.some((error) => objectOf(error)?.['message'] === 'unexpected error')
    ? 'log_unavailable'
    : 'query'
}

export type AuditClientDeps = Readonly<{
  openAdminApi: (limits: AdminApiLimits) => AdminApi
  clock: Pick<Clock, 'wall'>
  /** Milliseconds for one query; tests set it. */
  deadlineMs?: number | undefined
}>

export type AuditClient = Readonly<{
  /** The activity types that this Authgear knows. */
  types: () => Promise<readonly string[]>
  /** The newest entries of a window. @throws {AuditError} */
  page: (window: Window, first?: number) => Promise<Page>
  close: () => Promise<void>
}>

/** One query at a time. A hundred entries are some 113 kB. */
const LIMITS = { connections: 1, maxBodyBytes: 16 * 1024 * 1024 } as const
const DEADLINE_MS = 2000

const TYPES = '{__type(name:"AuditLogActivityType"){enumValues(includeDeprecated:true){name}}}'
const ENTRIES =
  'query($first:Int,$rangeFrom:DateTime,$rangeTo:DateTime,$activityTypes:[AuditLogActivityType!])' +
  '{auditLogs(first:$first,rangeFrom:$rangeFrom,rangeTo:$rangeTo,activityTypes:$activityTypes,sortDirection:DESC)' +
  '{totalCount edges{node{id createdAt activityType data}}}}'

export function variablesOf ({ from, to, types }: Window, first = PAGE): Readonly<Record<string, unknown>> {
  return {
    first,
    activityTypes: types,
    ...(from === undefined ? {} : { rangeFrom: timeOf(from) }),
    ...(to === undefined ? {} : { rangeTo: timeOf(to) })
  }
}

export function createAuditClient (
  { openAdminApi, clock, deadlineMs = DEADLINE_MS }: AuditClientDeps
): AuditClient {
  const api = openAdminApi({ ...LIMITS, deadlineMs })
  async function query (text: string, variables: object): Promise<Answer> {
    try {
      const { status, body, date } = await api.query(text, variables)
      const sent = Date.parse(date)
      return { status, body, now: Math.floor((Number.isNaN(sent) ? clock.wall() : sent) / 1000) }
    } catch (error) {
      throw error instanceof AdminApiError ? new AuditError(error.kind, error.cause) : error
    }
  }
  return Object.freeze({
    types: async () => readTypes(await query(TYPES, {})),
    page: async (window: Window, first?: number) => readPage(await query(ENTRIES, variablesOf(window, first))),
    close: api.close
  })
}
