import { isUserId } from '../../core/resolution.ts'

/** The id of a node of Authgear's GraphQL, made of its type and the id that everything else uses. */
export const globalIdOf = (type: 'User' | 'Session', id: string): string =>
  Buffer.from(`${type}:${id}`).toString('base64url')

/** @returns the user's id; undefined for another type of node */
export function userIn (globalId: unknown): string | undefined {
  const text = typeof globalId === 'string' ? Buffer.from(globalId, 'base64url').toString() : ''
  const id = text.replace(/^User:/, '')
  return id !== text && isUserId(id) ? id : undefined
}
