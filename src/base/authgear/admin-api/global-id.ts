/** The id of a node of Authgear's GraphQL, made of its type and the id that everything else uses. */
export const globalIdOf = (type: 'User' | 'Session', id: string): string =>
  Buffer.from(`${type}:${id}`).toString('base64url')
