/** Authgear's own pages for people; it asks visitors without a session to sign in first. */
export type AccountPages = Readonly<{ settings: string, sessions: string }>

/** @param issuer AUTHGEAR_ENDPOINT */
export const accountPagesOf = (issuer: string): AccountPages =>
  Object.freeze({ settings: `${issuer}/settings`, sessions: `${issuer}/settings/sessions` })
