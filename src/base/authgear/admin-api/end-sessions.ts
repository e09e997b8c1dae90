import type { AdminApi } from './client.ts'
import { ADMIN_API_ADVICE, AdminApiError, kindOfStatus } from './errors.ts'
import { globalIdOf } from './global-id.ts'
import { listOf, objectOf, parseObject } from '../../core/json.ts'

/** A user or a session, whose sessions Authgear can end. */
export type Owner = Readonly<{ kind: 'user' | 'session', id: string }>

const MUTATIONS = {
  user: 'mutation($id: ID!) { revokeAllSessions(input: { userID: $id }) { user { id } } }',
  session: 'mutation($id: ID!) { revokeSession(input: { sessionID: $id }) { user { id } } }'
} as const
/** The fields that a mutation answers once it is done. */
const FIELDS = { user: 'revokeAllSessions', session: 'revokeSession' } as const
/** Authgear's words for a user or a session that is not there, and for an error of its own. */
const UNEXPECTED = 'unexpected error'
const NODES = { user: 'User', session: 'Session' } as const

/**
 * Ends the sessions at Authgear.
 * @returns the problem as a sentence; undefined where they have ended
 */
export async function endAtAuthgear (api: AdminApi, { kind, id }: Owner): Promise<string | undefined> {
  try {
    const { status, body } = await api.query(MUTATIONS[kind], { id: globalIdOf(NODES[kind], id) })
    return status === 200 ? problemIn(body, kind) : ADMIN_API_ADVICE[kindOfStatus(status)]
  } catch (error) {
    if (error instanceof AdminApiError) return error.message
    throw error
  }
}

/** GraphQL says its errors beside an empty `data`, with status 200. */
function problemIn (body: string, kind: Owner['kind']): string | undefined {
  const answer = parseObject(body)
  const [error] = listOf(answer?.['errors'])
  if (error === undefined) {
    const ended = objectOf(objectOf(answer?.['data'])?.[FIELDS[kind]])
    return ended === undefined ? ADMIN_API_ADVICE.garbage : undefined
  }
  return objectOf(error)?.['message'] === UNEXPECTED ? `it has no such ${kind}, or failed` : ADMIN_API_ADVICE.query
}
