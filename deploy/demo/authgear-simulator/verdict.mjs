// @ts-check
/** @import { SentCredentials, Session, Verdict } from './types.d.mts' */

/**
 * First success wins, a failing credential falls through to the next; an account outside its validity ends the search,
 * and so does a token of a third-party client, opaque or JWT (by Authgear's specification; not recorded).
 * @param {SentCredentials} sent
 * @param {import('./directory.mjs').Directory} directory
 * @param {string} audience scheme and host of the request
 * @returns {Verdict}
 */
export function judge (sent, directory, audience) {
  const session = findSession(sent, directory, audience)
  if (session !== undefined) {
    return session.user.outsideValidity || session.isThirdParty ? { kind: 'invalid' } : { kind: 'valid', session }
  }
  // only the IdP's own cookie is reported as bad; a bad token is answered like none
  return sent.session === undefined ? { kind: 'nobody' } : { kind: 'invalid' }
}

/**
 * @param {SentCredentials} sent
 * @param {import('./directory.mjs').Directory} directory
 * @param {string} audience
 * @returns {Session | undefined}
 */
export function findSession (sent, { find }, audience) {
  const token = (/** @type {string | undefined} */ value) =>
    value === undefined ? undefined : find.byAccessToken(value, audience)
  return token(sent.bearer) ??
    find.byAppSession(sent.appSession ?? '') ??
    token(sent.appAccessToken) ??
    find.byCookie(sent.session ?? '')
}

/**
 * Whether Authgear asks its Redis about these: a session cookie without a dot is refused by its form alone.
 * @param {SentCredentials} sent
 */
export function needsLookup (sent) {
  return sent.bearer !== undefined || sent.appSession !== undefined || sent.appAccessToken !== undefined ||
    (sent.session ?? '').includes('.')
}
