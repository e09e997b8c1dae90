const OFFLINE_GRANT = /^offline_grant:([0-9a-zA-Z-]{1,64})$/

/** @returns the UUID in a `sid`, by which Authgear's Admin API names the session; undefined for anything else */
export function sessionIdOf (sid: string): string | undefined {
  return OFFLINE_GRANT.exec(Buffer.from(sid, 'base64url').toString())?.[1]
}
