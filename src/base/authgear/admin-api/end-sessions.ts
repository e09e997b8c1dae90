import type { AdminApi } from './client.ts'
import { ADMIN_API_ADVICE, AdminApiError, kindOfStatus } from './errors.ts'
import { globalIdOf, userIn } from './global-id.ts'
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

/** `problem`: a sentence. `userId`: whose sessions they were, if Authgear said it. */
export type Ended =
  Readonly<{ kind: 'ended', userId: string | undefined } | { kind: 'problem', problem: string }>

/** Ends the sessions at Authgear. */
export async function endAtAuthgear (api: AdminApi, { kind, id }: Owner): Promise<Ended> {
  try {
    const { status, body } = await api.query(MUTATIONS[kind], { id: globalIdOf(NODES[kind], id) })
    return status === 200 ? outcomeIn(body, kind) : problem(ADMIN_API_ADVICE[kindOfStatus(status)])
  } catch (error) {
    if (error instanceof AdminApiError) return problem(error.message)
    throw error
  }
}

/** GraphQL says its errors beside an empty `data`, with status 200. */
function outcomeIn (body: string, kind: Owner['kind']): Ended {
  const answer = parseObject(body)
  const [error] = listOf(answer?.['errors'])
  if (error !== undefined) {
    const isUnknown = objectOf(error)?.['message'] === UNEXPECTED
    return problem(isUnknown ? `it has no such ${kind}, or failed` : ADMIN_API_ADVICE.query)
  }
  const ended = objectOf(objectOf(answer?.['data'])?.[FIELDS[kind]])
  if (ended === undefined) return problem(ADMIN_API_ADVICE.garbage)
  return { kind: 'ended', userId: userIn(objectOf(ended['user'])?.['id']) }
}

const problem = (problem: string): Ended => ({ kind: 'problem', problem })
