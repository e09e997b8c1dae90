// @ts-check
import { escape, userButton } from './login-page.mjs'
import { ICON, STYLE } from './style.mjs'

/** @import { User } from './types.d.mts' */

/** @param {string} title @param {string} main @param {string} [language] */
const layOut = (title, main, language = 'en') => `<!doctype html>
<html lang="${escape(language)}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${ICON}
<title>Simulated Authgear: ${title}</title>
<style>${STYLE}
</style>
<main>
<h1>${title}</h1>
${main}
</main>
</html>
`

/** @param {readonly User[]} users @param {string} query @param {string} locales */
export function loginPage (users, query, locales) {
  return layOut('Sign in', `<p class="soft">This stands in for Authgear's login page. Choose who you are; no password.</p>
<form method="post" action="/login-page?${escape(query)}"><ul>
${users.map(userButton).join('\n')}
<li><button name="user" value="">Cancel</button></li>
</ul></form>`, locales.split(' ')[0] || 'en')
}

/** @param {string} name @param {string} query */
export function accountPage (name, query) {
  return layOut(
    'Select an account',
    `<form action="/oauth2/consent">${hidden(query)}<button>Continue as ${escape(name)}</button></form>`
  )
}

/** Of the person whose session it is. @param {string} name @param {string} query */
export function againPage (name, query) {
  return layOut('Is it you?', `<form method="post" action="/reauth?${escape(query)}"><button>I am ${escape(name)}</button></form>`)
}

/** It leads nowhere, as Authgear's. */
export function expiredPage () {
  return layOut('Page expired or invalid', '<p>Please go back to the app and try again.</p>')
}

/** @param {string} query */
export function logoutPage (query) {
  return layOut('Sign out?', `<form method="post" action="/logout?${escape(query)}"><button>Sign out</button></form>`)
}

/** @param {string} name */
export function sessionsPage (name) {
  return layOut('Your sessions', `<p class="soft">This stands in for Authgear's settings page, where ${escape(name)} sees every session and ends others.</p>`)
}

/** `response_mode=form_post`. @param {string} uri @param {Record<string, string>} parameters */
export function formPage (uri, parameters) {
  const fields = hidden(new URLSearchParams(parameters).toString())
  return layOut('Go on', `<form method="post" action="${escape(uri)}">${fields}<button>Go on</button></form>`)
}

/** @param {string} query */
function hidden (query) {
  return [...new URLSearchParams(query)]
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('')
}
