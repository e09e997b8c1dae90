import type { ManagementRoutes } from '../../base/parts/feature.ts'

const PATIENCE_MS = 15_000

/** What there is beside the management token. */
export type Reach = Readonly<{
  /** True if AUTHGEAR_ADMIN_API_URL is set. */
  hasAdminApi: boolean
  /** True with Redis, which notifies the other replicas. */
  isShared: boolean
  /** CACHE_TTL */
  ttlMs: number
}>

export const logOutSection = (reach: Reach): Required<ManagementRoutes>['section'] => ({
  html: `<section id="log-out-part" aria-labelledby="log-out-title" hidden>
<h2 id="log-out-title">Log out everywhere</h2>
<p class="soft">${hintOf(reach)}</p>
<form id="log-out" autocomplete="off"><label>Management token
<input id="log-out-token" type="password" autocomplete="off" required></label>
<label>Sessions of <select id="log-out-kind"><option value="user">a user</option>
<option value="session">one session</option></select></label>
<label>Its id <input id="log-out-id" autocomplete="off" spellcheck="false" required></label>
<button>End sessions</button></form>
<p id="log-out-said" role="status"></p>
</section>
`,
  script: scriptOf(reach)
})

const whereOf = ({ isShared }: Reach): string => isShared ? 'all replicas' : 'this replica'

const hintOf = (reach: Reach): string => (reach.hasAdminApi
  ? `Ends sessions at Authgear and on ${whereOf(reach)}. The user can sign in again: disable the account to prevent it.`
  : `Makes ${whereOf(reach)} forget sessions, which continue at Authgear without AUTHGEAR_ADMIN_API_URL: ` +
    'end them in the portal first.') + (reach.isShared ? '' : ' Without Redis, other replicas are not told.')

/** Of a session whose user Authgear did not name. */
const lateEnd = ({ ttlMs }: Reach): string =>
  `Tokens and own sessions that it began may continue for ${ttlMs / 1000} s (CACHE_TTL): end all sessions of the user ` +
  'to prevent it.'

/** The steps of the command `revoke`, in its order. The token stays in its field, and goes out in a header. */
const scriptOf = (reach: Reach): string => `
{
  const [part, form, token, kind, id, note] = ['log-out-part', 'log-out', 'log-out-token', 'log-out-kind', 'log-out-id',
    'log-out-said'].map((name) => document.getElementById(name))
  const FIELDS = { user: 'user_id', session: 'sid' }

  async function end (path, name, value) {
    try {
      const answer = await fetch(path, {
        method: 'POST', headers: { authorization: 'Bearer ' + token.value, 'content-type': 'application/json' },
        body: JSON.stringify({ [name]: value }), cache: 'no-store', credentials: 'omit', redirect: 'error',
        signal: AbortSignal.timeout(${PATIENCE_MS})
      })
      const { message, status, user_id } = await answer.json()
      if (answer.ok) return { said: 'ended', user: user_id }
      const pending = status === 'pending' ? 'Redis is unreachable, and the others follow later' : answer.status
      return { said: 'not ended: ' + (message ?? pending) }
    } catch (error) {
      return { said: 'not ended: ' + error.message }
    }
  }

  async function endHere (what, value, user) {
    const { said } = await end('revocations', FIELDS[what], value)
    if (what === 'user' || said !== 'ended') return said
    return user === undefined ? said + '. ${lateEnd(reach)}' : (await end('revocations', 'user_id', user)).said
  }

  part.hidden = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const [what, value, button] = [kind.value, id.value.trim(), form.querySelector('button')]
    button.disabled = true
    note.textContent = '…'
    const { said, user } = ${reach.hasAdminApi} ? await end('authgear/sessions/end', what, value) : {}
    const authgear = said === undefined ? '' : 'Authgear: ' + said + '; '
    note.textContent = authgear + '${whereOf(reach)}: ' + await endHere(what, value, user)
    button.disabled = false
  })
}
`
