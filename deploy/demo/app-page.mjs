// @ts-check
import { STYLE } from './authgear-simulator/style.mjs'
import { CLOCK_PATH } from './clock.mjs'

/**
 * @typedef {{ user: string | null, roles: string[], verified: boolean, anonymous: boolean, headers: Record<string,
 * unknown>, assertion: import('./assertion.mjs').Assertion | undefined }} Who
 */

/** What the app was told about who is asking. @param {Who} who @param {string} loginPath empty: no link */
export function appPage (who, loginPath) {
  const rows = Object.entries(who.headers).map(
    ([name, value]) =>
      `<tr><th scope="row">${escape(name)}</th><td>${escape(String(value)) || '<i>empty</i>'}</td></tr>`
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The app behind forward auth</title>
<style>${STYLE}
</style>
<main class="wide">
<h1>${who.user === null ? 'The app: nobody is signed in' : 'The app: you are signed in'}</h1>
<p>${who.user === null ? 'No identity came with this request.' : `You are <code>${escape(who.user)}</code>, ${rolesOf(who)}.`}</p>
<p class="soft">This app checks nothing itself. The proxy asked the service, the service asked Authgear, and these headers came of it:</p>
<table>
${rows.join('\n')}
</table>
${clockPart(who)}${assertionPart(who)}${loginPath === '' ? '' : `<p><a class="button" href="${escape(loginPath)}?rd=/">Be somebody else, or sign out</a></p>`}
</main>
</html>
`
}

/** @param {Who} who */
function clockPart ({ user }) {
  if (user === null) return ''
  return `<p>A connection that is open: <b id="clock" role="status">…</b></p>
<script>
const [clock, source] = [document.getElementById('clock'), new EventSource('${CLOCK_PATH}')]
source.onmessage = ({ data }) => { clock.textContent = data }
source.addEventListener('over', () => {
  source.close()
  clock.textContent = 'closed, since your session ended or changed'
})
</script>
`
}

/** @param {Who} who */
function assertionPart ({ assertion }) {
  if (assertion === undefined) return ''
  const { verified, claims, why } = assertion
  const verdict = verified
    ? 'The app verified it by the keys that the service publishes. Nobody past the proxy can make one.'
    : `The app did not accept it: ${escape(why ?? '')}.`
  return `<h2>The signed assertion</h2>
<p>${verdict}</p>
<pre tabindex="0">${escape(JSON.stringify(claims, null, 2))}</pre>
`
}

/** @param {Who} who */
function rolesOf ({ roles }) {
  return roles.length === 0
    ? 'without roles'
    : `with the roles ${roles.map((role) => `<code>${escape(role)}</code>`).join(', ')}`
}

/** @param {string} text */
function escape (text) {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
