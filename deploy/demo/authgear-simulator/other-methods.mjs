// @ts-check
import { methodNotAllowed, pageNotFound } from './answers.mjs'

/** @import { Answer } from './answers.mjs' */

/** What each of OAuth's paths is asked by, as its `Allow` says it. @type {Readonly<Record<string, string>>} */
const METHODS = Object.freeze({
  '/oauth2/authorize': 'GET, OPTIONS, POST',
  '/oauth2/token': 'OPTIONS, POST',
  '/oauth2/revoke': 'OPTIONS, POST',
  '/oauth2/jwks': 'GET, OPTIONS',
  '/oauth2/userinfo': 'GET, OPTIONS, POST',
  '/.well-known/openid-configuration': 'GET, OPTIONS',
  '/.well-known/oauth-authorization-server': 'GET, OPTIONS'
})
/** A browser asks these for leave from a page of another site. */
const FOR_SCRIPTS = new Set(['/oauth2/token', '/oauth2/revoke'])

/**
 * What a request gets that no route takes.
 * @param {{ method: string, url: string }} request @param {boolean} isOpen whether there is OAuth at all
 * @returns {Answer}
 */
export function answerToOther ({ method, url }, isOpen) {
  const path = url.replace(/\?.*/s, '')
  const allowed = isOpen ? METHODS[path] : undefined
  if (allowed === undefined) return pageNotFound()
  if (method === 'OPTIONS' && FOR_SCRIPTS.has(path)) return { status: 200, headers: [], body: '' }
  return methodNotAllowed(allowed)
}
