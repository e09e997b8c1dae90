import type { AdminApi, AdminApiResponse } from '../../base/authgear/admin-api/client.ts'
import { AdminApiError, kindOfStatus } from '../../base/authgear/admin-api/errors.ts'
import { globalIdOf } from '../../base/authgear/admin-api/global-id.ts'
import { type Json, listOf, objectOf, parseObject } from '../../base/core/json.ts'

/** A user as Authgear describes them; texts as people wrote them. */
export type UserRecord = Readonly<{
  isDisabled: boolean
  /** OpenID Connect's standard claims, those that are set. */
  attributes: Json
  formattedName: unknown
  groups: readonly unknown[]
  /** True if there is an address, and Authgear keeps it from apps. */
  hidesAddress?: boolean
}>

/** `none`: Authgear does not know the user. `foreign`: the answer was about a user who was not asked for. */
export type UserReading =
  | Readonly<{ kind: 'user', record: UserRecord }>
  | Readonly<{ kind: 'none' | 'foreign' | 'unreadable' }>

/** Fields that cost Authgear more than one read of the user. */
export type UserFields = Readonly<{ name: boolean, groups: boolean }>

export type Users = Readonly<{
  /** A reading for each id. @throws {AdminApiError} */
  read: (ids: readonly string[]) => Promise<ReadonlyMap<string, UserReading>>
}>

/** Authgear's form of an id. No other is asked for: a NUL in one hides its neighbours in the answer. */
const USER_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const GLOBAL_ID = /^User:([0-9a-f-]{36})$/

export const isReadableId = (id: string): boolean => USER_ID.test(id)

/** @param fields others are missing from the answer */
export function createUsers (api: Pick<AdminApi, 'query'>, { name, groups }: UserFields): Users {
  const extra = `${name ? ' formattedName' : ''}${groups ? ' groups{edges{node{key}}}' : ''}`
  const text = `query($ids:[ID!]!){nodes(ids:$ids){id ... on User{isDisabled standardAttributes${extra}}}}`
  return Object.freeze({
    async read (ids: readonly string[]) {
      const globalIds = ids.map((id) => globalIdOf('User', id))
      return readUsers(await api.query(text, { ids: globalIds }), ids, groups)
    }
  })
}

/** Assigns each node by the id in it, never by its place in the answer. @throws {AdminApiError} */
export function readUsers (
  response: AdminApiResponse,
  ids: readonly string[],
  withGroups: boolean
): ReadonlyMap<string, UserReading> {
  const nodes = nodesOf(response)
  if (nodes.length !== ids.length) throw new AdminApiError('garbage')
  const readings = new Map<string, UserReading>()
  let isForeign = false
  for (const node of nodes.map(objectOf).filter((node) => node !== undefined)) {
    const id = userIdOf(node['id'])
    if (id === undefined || !ids.includes(id)) isForeign = true
    else readings.set(id, readings.has(id) ? { kind: 'unreadable' } : readUser(node, withGroups))
  }
  // another user's data stands in the place of one of these
  const missing: UserReading = { kind: isForeign ? 'foreign' : 'none' }
  return new Map(ids.map((id) => [id, readings.get(id) ?? missing]))
}

function nodesOf ({ status, body }: AdminApiResponse): readonly unknown[] {
  if (status !== 200) throw new AdminApiError(kindOfStatus(status))
  const answer = parseObject(body)
  if (answer === undefined) throw new AdminApiError('garbage')
  const data = objectOf(answer['data'])
  if ('errors' in answer) throw new AdminApiError(data === undefined ? 'query' : 'partial')
  const nodes = data?.['nodes']
  if (!Array.isArray(nodes)) throw new AdminApiError('garbage')
  return nodes
}

function userIdOf (globalId: unknown): string | undefined {
  return typeof globalId === 'string' ? GLOBAL_ID.exec(Buffer.from(globalId, 'base64url').toString())?.[1] : undefined
}

/** Reads a user whole or not at all. */
function readUser (node: Json, withGroups: boolean): UserReading {
  const attributes = objectOf(node['standardAttributes'])
  const { isDisabled, formattedName } = node
  const groups = objectOf(node['groups'])
  if (attributes === undefined || typeof isDisabled !== 'boolean' || (withGroups && groups === undefined)) {
    return { kind: 'unreadable' }
  }
  const keys = listOf(groups?.['edges']).map((edge) => objectOf(objectOf(edge)?.['node'])?.['key'])
  return { kind: 'user', record: { isDisabled, attributes, formattedName, groups: keys } }
}
