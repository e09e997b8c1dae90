// @ts-check
/** @import { SimulatorOptions } from './types.d.mts' */

/**
 * The `session` cookie as Authgear writes it, with the name's prefix and the domain of its configuration.
 * @param {Pick<SimulatorOptions, 'cookiePrefix' | 'cookieDomain'>} options
 */
export function createCookieWriter ({ cookiePrefix = '', cookieDomain = '' }) {
  const name = `${cookiePrefix}session`
  const prefixed = `${cookiePrefix}same_site_strict`
  // Go drops a leading dot of the domain
  const domain = cookieDomain === '' ? '' : `; Domain=${cookieDomain.replace(/^\./, '')}`
  const tail = (/** @type {string} */ scheme) => `; HttpOnly${scheme === 'https' ? '; Secure' : ''}; SameSite=Lax`
  return Object.freeze({
    name,
    clear: (/** @type {string} */ scheme) =>
      `${name}=; Path=/${domain}; Expires=Thu, 01 Jan 1970 00:00:00 GMT${tail(scheme)}`,
    /** @param {string} value @param {string} scheme */
    set: (value, scheme) => `${name}=${value}; Path=/${domain}; Max-Age=31449600${tail(scheme)}`,
    /** Its being sent says that a request comes from the same site. @param {string} scheme */
    setStrict: scheme => `${prefixed}=true; Path=/${domain}; Max-Age=31449600${tail(scheme).replace('Lax', 'Strict')}`,
    /** @param {string} scheme */
    clearStrict: (scheme) =>
      `${prefixed}=; Path=/${domain}; Expires=Thu, 01 Jan 1970 00:00:00 GMT${tail(scheme).replace('Lax', 'Strict')}`
  })
}

/** @typedef {ReturnType<typeof createCookieWriter>} CookieWriter */
