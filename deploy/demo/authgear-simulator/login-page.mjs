// @ts-check
import { ICON, STYLE } from './style.mjs'

/** @import { User } from './types.d.mts' */

/**
 * @param {{ path: string, users: readonly User[], current: string | undefined, back: string }} view
 */
export function loginPage ({ path, users, current, back }) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${ICON}
<title>Simulated Authgear: sign in</title>
<style>${STYLE}
</style>
<main>
<h1>Sign in</h1>
<p class="soft">This stands in for Authgear's login page. Choose who you are; no password.</p>
${current === undefined ? '' : signedIn(current, path, back)}
<form method="post" action="${escape(path)}">
<input type="hidden" name="rd" value="${escape(back)}">
<ul>
${users.map(userButton).join('\n')}
</ul>
</form>
</main>
</html>
`
}

/** @param {string} name @param {string} path @param {string} back */
function signedIn (name, path, back) {
  return `<p role="status">You are signed in as <strong>${escape(name)}</strong>. <a href="${escape(back)}">Go on</a></p>
<form method="post" action="${escape(path)}/logout"><input type="hidden" name="rd" value="${escape(path)}"><button>Sign out</button></form>`
}

/** @param {User} user */
export function userButton (user) {
  const facts = [
    user.roles.length > 0 ? `roles ${user.roles.join(', ')}` : 'no roles',
    user.verified ? 'verified' : 'not verified',
    ...(user.anonymous ? ['anonymous'] : []),
    ...(user.disabled ? ['disabled: cannot sign in'] : [])
  ]
  return '<li><button name="user" ' +
    `value="${escape(user.name)}"${user.disabled ? ' disabled' : ''}>${escape(user.name)}<small>${escape(facts.join(' · '))}</small></button></li>`
}

/** @param {string} text */
export function escape (text) {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
