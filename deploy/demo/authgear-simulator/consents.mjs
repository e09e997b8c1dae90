// @ts-check
import { refuse } from './oauth-query.mjs'

/** @import { OAuthClient, User } from './types.d.mts' */

/**
 * What people allowed third parties, each client and its scopes once. Nobody is shown a page for it here: who signs in
 * at the login page for a third party allows what it asks for.
 */
export function createConsents () {
  /** @type {Map<string, Set<string>>} */
  const given = new Map()
  const nameOf = (/** @type {User} */ { id }, /** @type {OAuthClient} */ client) => `${client.id} ${id}`
  return Object.freeze({
    /** @param {User} user @param {OAuthClient} client @param {string} scope */
    give (user, client, scope) {
      const name = nameOf(user, client)
      given.set(name, new Set([...given.get(name) ?? [], ...scope.split(' ')]))
    },
    /** The project's own clients need none. @param {User} user @param {OAuthClient} client @param {string} scope */
    problemOf (user, client, scope) {
      if (client.type !== 'third_party_app') return undefined
      const known = given.get(nameOf(user, client))
      if (known === undefined) return refuse('access_denied', 'authorization required')
      return scope.split(' ').every((one) => known.has(one))
        ? undefined
        : refuse('access_denied', 'requested scopes are not granted')
    }
  })
}
