import { rootCertificates } from 'node:tls'
import { Pool } from 'undici'
import type { Clock } from '../clock.ts'
import { readPage, readTypes, type Answer, type Page } from './answer.ts'
import { AuditError } from './audit-error.ts'
import { variablesOf, type Window } from './window.ts'

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
const PAGE = 'query($first:Int,$rangeFrom:DateTime,$rangeTo:DateTime,$activityTypes:[AuditLogActivityType!]){auditLogs(first:$first,rangeFrom:$rangeFrom,rangeTo:$rangeTo,activityTypes:$activityTypes,sortDirection:DESC){totalCount edges{node{id createdAt activityType data}}}}'

/** One connection, on which one query at a time is asked. */
export function createAuditClient ({ url, endpoint, ca, token, clock }: AuditClientSettings): AuditClient {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: 1, pipelining: 1, maxResponseSize: MAX_BODY, ...(ca === undefined ? {} : { connect: { ca: [...rootCertificates, ca] } }) })
  async function query (text: string, variables: object): Promise<Answer> {
    const signal = AbortSignal.timeout(DEADLINE)
    try {
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: pathname,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}`, 'x-forwarded-host': endpoint.host, 'x-forwarded-proto': endpoint.scheme },
        body: JSON.stringify({ query: text, variables }),
        signal
      })
      const date = Date.parse(String(headers['date']))
      return { status: statusCode, body: await body.text(), now: Math.floor((Number.isNaN(date) ? clock.wall() : date) / 1000) }
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
