import { rootCertificates } from 'node:tls'
import { Pool } from 'undici'
import type { Clock } from '../../clock.ts'
import { type AuditEntry, type Json, listOf, objectOf, parseJson, readEntry, type Second } from './entry.ts'
import { AuditError, type AuditErrorKind } from './errors.ts'
import { variablesOf, type Window } from './window.ts'

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
  if ('errors' in answer || data === undefined || data['auditLogs'] === null) {
    throw new AuditError(kindOfErrors(listOf(answer['errors'])))
  }
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
  return errors.length === 0 || errors.some((error) => objectOf(error)?.['message'] === 'unexpected error')
    ? 'log_unavailable'
    : 'query'
}

export type AuditClientSettings = Readonly<{
  /** The Admin API's GraphQL endpoint. */
  url: string
  /** The project's public origin, by which an Authgear of several projects knows it. */
  endpoint: Readonly<{ host: string, scheme: 'http' | 'https' }>
  /** PEM, beside the public roots. */
  ca: string | undefined
  token: () => Promise<string>
  clock: Pick<Clock, 'wall'>
}>

export type AuditClient = Readonly<{
  /** Which activity types this Authgear knows. */
  types: () => Promise<readonly string[]>
  /** The newest of a window. @throws {AuditError} */
  page: (window: Window, first?: number) => Promise<Page>
  close: () => Promise<void>
}>

/** Milliseconds: Authgear has no limit of its own. */
const DEADLINE = 2000
/** A hundred entries are some 113 kB. */
const MAX_BODY = 16 * 1024 * 1024

const TYPES = '{__type(name:"AuditLogActivityType"){enumValues(includeDeprecated:true){name}}}'
const PAGE =
  'query($first:Int,$rangeFrom:DateTime,$rangeTo:DateTime,$activityTypes:[AuditLogActivityType!])' +
  '{auditLogs(first:$first,rangeFrom:$rangeFrom,rangeTo:$rangeTo,activityTypes:$activityTypes,sortDirection:DESC)' +
  '{totalCount edges{node{id createdAt activityType data}}}}'

/** One connection, on which one query at a time is asked. */
export function createAuditClient ({ url, endpoint, ca, token, clock }: AuditClientSettings): AuditClient {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, {
    connections: 1,
    pipelining: 1,
    maxResponseSize: MAX_BODY,
    ...(ca === undefined ? {} : { connect: { ca: [...rootCertificates, ca] } })
  })
  async function query (text: string, variables: object): Promise<Answer> {
    const signal = AbortSignal.timeout(DEADLINE)
    try {
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: pathname,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await token()}`,
          'x-forwarded-host': endpoint.host,
          'x-forwarded-proto': endpoint.scheme
        },
        body: JSON.stringify({ query: text, variables }),
        signal
      })
      const date = Date.parse(String(headers['date']))
      return {
        status: statusCode,
        body: await body.text(),
        now: Math.floor((Number.isNaN(date) ? clock.wall() : date) / 1000)
      }
    } catch (error) {
      throw new AuditError(signal.aborted ? 'timeout' : 'unreachable', error)
    }
  }
  return Object.freeze({
    types: async () => readTypes(await query(TYPES, {})),
    page: async (window: Window, first?: number) => readPage(await query(PAGE, variablesOf(window, first))),
    close: () => pool.destroy()
  })
}
