const OFFLINE_GRANT = /^offline_grant:([0-9a-zA-Z-]{1,64})$/

/** @returns the UUID in a `sid`, by which Authgear's Admin API names the session; undefined for anything else */
export function sessionIdOf (sid: string): string | undefined {
  return OFFLINE_GRANT.exec(Buffer.from(sid, 'base64url').toString())?.[1]
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** @returns the UUID of a session that is named by its `sid`, or by the UUID itself, as the audit log does */
export const sessionNamed = (text: string): string | undefined => sessionIdOf(text) ?? UUID.exec(text)?.[0]
