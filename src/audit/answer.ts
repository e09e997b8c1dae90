import { AuditError, type AuditErrorKind } from './audit-error.ts'
import { readEntry, type AuditEntry, type Second } from './entry.ts'
import { listOf, objectOf, parseJson, type Json } from './json.ts'

/** What came over the wire. */
export type Answer = Readonly<{
  status: number
  body: string
  /** Authgear's clock. */
  now: Second
}>

/** The newest entries of a window, at most 100; `total` is how many there are in it. */
export type Page = Readonly<{ entries: readonly AuditEntry[], total: number, now: Second }>

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
  const answer = parseJson(body)
  if (answer === undefined) throw new AuditError('garbage')
  const data = objectOf(answer['data'])
  if ('errors' in answer || data === undefined || data['auditLogs'] === null) throw new AuditError(kindOfErrors(listOf(answer['errors'])))
  return data
}

function kindOfStatus (status: number): AuditErrorKind {
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) return 'misplaced'
  if (status === 415) return 'content_type'
  return status >= 500 ? 'server' : 'refused'
}

/** Not configured, missing, without its tables and down are one and the same text, with neither path nor reason. */
function kindOfErrors (errors: readonly unknown[]): AuditErrorKind {
  return errors.length === 0 || errors.some((error) => objectOf(error)?.['message'] === 'unexpected error') ? 'log_unavailable' : 'query'
}
