/** The beginning of the names of sessions and of their leases, apart from those of entries. */
export const ownSessionPrefix = (prefix: string): string => `${prefix}own:`
export const ownSessionKey = (prefix: string, key: string): string => `${ownSessionPrefix(prefix)}{${key}}:session`
/** Which replica asked for tokens in the place of that version's. */
export const ownRefreshKey = (prefix: string, key: string, version: number): string =>
  `${ownSessionPrefix(prefix)}{${key}}:refresh-${version}`
/** The sessions of one user at one host. */
export const ownUserKey = (prefix: string, key: string): string => `${ownSessionPrefix(prefix)}{${key}}:user`
/** Grants of sessions of our own that are signed out, until Authgear has ended them. */
export const ownGrantsKey = (prefix: string, key: string): string => `${ownSessionPrefix(prefix)}{${key}}:ended-grants`
/** A code that was redeemed, or is being. */
export const usedCodeKey = (prefix: string, key: string): string => `${ownSessionPrefix(prefix)}{${key}}:code`
