// @ts-check
import { ICON, STYLE } from './authgear-simulator/style.mjs'
import { CLOCK_PATH } from './clock.mjs'
import { CONFIRM } from './settings.mjs'

/**
 * @typedef {{ user: string | null, name: string, roles: string[], verified: boolean, anonymous: boolean,
 * headers: Record<string, unknown>, assertion: import('./assertion.mjs').Assertion | undefined }} Who
 */

/** @typedef {{ login: string | undefined, hasPages: boolean, wiki: string | undefined }} Links where buttons lead */

/** The page that shows an app's view of who is asking. @param {Who} who @param {Links} links */
export function appPage (who, links) {
  const rows = Object.entries(who.headers).map(
    ([name, value]) => `<tr><th scope="row">${escape(name)}</th><td>${cell(String(value))}</td></tr>`
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${ICON}
<title>The app behind forward auth</title>
<style>${STYLE}
</style>
<main class="wide">
<h1>${greeting(who)}</h1>
<p>${who.user === null ? 'No identity came with this request.' : `You are signed in, ${rolesOf(who)}.`}</p>
${buttons(links)}${clockPart(who)}<h2>What the app received</h2>
<p class="soft">This app checks nothing itself. The proxy asked the service, the service asked Authgear, and the app received these headers:</p>
<table>
${rows.join('\n')}
</table>
${assertionPart(who)}</main>
</html>
`
}

/** @param {Who} who */
function greeting ({ user, name }) {
  if (user === null) return 'Nobody is signed in'
  return name === '' ? 'Hello, you are signed in' : `Hello, ${escape(name)}`
}

/** @param {Links} links */
function buttons ({ login, hasPages, wiki }) {
  const targets = [
    ...login ? [[`${login}?rd=/`, 'Switch account or sign out']] : [],
    ...hasPages ? [['/admin', 'Admin page'], [CONFIRM.path, 'Confirm who you are']] : [],
    ...wiki ? [[wiki, 'Wiki, for editors']] : []
  ]
  if (targets.length === 0) return ''
  const all = targets.map(([href = '', text]) => `<a class="button" href="${escape(href)}">${text}</a>`)
  return `<p>${all.join('\n')}</p>
`
}

/** More than a line of it is folded. @param {string} value */
function cell (value) {
  if (value === '') return '<i>empty</i>'
  if (value.length <= LINE) return escape(value)
  return `<details><summary>${value.length} characters</summary>${escape(value)}</details>`
}

const LINE = 100

/** @param {Who} who */
function clockPart ({ user }) {
  if (user === null) return ''
  return `<p>Live connection: <b id="clock" role="status">…</b></p>
<script>
const clock = document.getElementById('clock')
function follow (wasClosed = false) {
  const source = new EventSource('${CLOCK_PATH}')
  source.onmessage = ({ data }) => { clock.textContent = data; wasClosed = false }
  // the app also closes it where it missed some events: only a refusal says that the session ended
  source.addEventListener('over', () => { source.close(); follow(true) })
  // a browser asks again by itself, but not after a refusal such as a 503
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return
    if (wasClosed) clock.textContent = 'closed, since your session ended or changed'
    else setTimeout(follow, 1000)
  }
}
follow()
</script>
`
}

/** @param {Who} who */
function assertionPart ({ assertion }) {
  if (assertion === undefined) return ''
  const { verified, claims, why } = assertion
  const verdict = verified
    ? 'The app verified it by the keys that the service publishes. Bypassing the proxy does not let anyone forge one.'
    : `The app did not accept it: ${escape(why ?? '')}.`
  return `<h2>The signed assertion</h2>
<p>${verdict}</p>
<details><summary>What it says</summary>
<pre tabindex="0">${escape(JSON.stringify(claims, null, 2))}</pre></details>
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
