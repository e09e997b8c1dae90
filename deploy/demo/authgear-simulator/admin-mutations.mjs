// @ts-check

/** @typedef {{ data: object | null, errors?: readonly object[] }} Result */

/** Recorded: a user or a session that is not there is an error like any other. @type {Result} */
const UNKNOWN = Object.freeze({ data: null, errors: [{ message: 'unexpected error', locations: [] }] })

/**
 * Answers the mutations that end sessions; undefined for any other text.
 * @param {string} query @param {{ id?: unknown }} variables
 * @param {Pick<import('./resolver.mjs').Parts, 'directory' | 'grants' | 'control'>} parts
 * @returns {Result | undefined}
 */
export function answerMutation (query, { id }, { directory, grants, control: { controls } }) {
  const name = /\b(revokeAllSessions|revokeSession)\(/.exec(query)?.[1]
  if (name === undefined) return undefined
  const [, , uuid = ''] = /^(User|Session):(.+)$/.exec(Buffer.from(String(id), 'base64url').toString()) ?? []
  if (name === 'revokeSession') {
    const session = grants.byId(uuid)?.session ?? directory.find.byId(uuid)
    if (session === undefined) return UNKNOWN
    controls.endGrant(uuid)
    controls.endSession(uuid)
    return done(name, session.user)
  }
  const user = [...directory.users.values()].find((one) => one.id === uuid)
  if (user === undefined) return UNKNOWN
  controls.revokeSessions(user.name)
  return done(name, user)
}

/** @param {string} name @param {{ id: string }} user @returns {Result} */
const done = (name, { id }) => ({ data: { [name]: { user: { id: Buffer.from(`User:${id}`).toString('base64url') } } } })
