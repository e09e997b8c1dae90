/** Rows of the table: a thousand clients are seen, and a search finds the others. */
const MAX_ROWS = 200
const PATIENCE_MS = 10_000

/** Nothing of it is known here: the script asks for it by the token that an operator types. */
export const CLIENTS_PART = `<section class="list" id="clients-part" aria-labelledby="clients" hidden>
<h2 id="clients">Clients</h2>
<p class="soft">Agents and machines: those whose tokens this replica saw in 24 hours, and all that are blocked.</p>
<form id="operator" autocomplete="off"><label>MANAGEMENT_TOKEN
<input id="token" type="password" autocomplete="off" required></label> <button>Show</button>
<label>Find <input id="find" type="search" autocomplete="off" spellcheck="false"></label></form>
<p id="said" role="status"></p>
<div class="table" tabindex="0" role="region" aria-label="Clients, one a row" hidden><table>
<thead><tr><th scope="col">client</th><th scope="col">switch</th><th scope="col">blocked</th>
<th scope="col">resources</th><th scope="col">users</th><th scope="col">first seen</th><th scope="col">last seen</th>
<th scope="col">requests</th><th scope="col">refusals</th></tr></thead><tbody id="rows"></tbody></table></div>
<p id="more" class="soft"></p>
</section>
`

/**
 * After the page's own script. The token stays in its field: it goes out in a header, to this listener alone. A client
 * chose its id, so each text becomes a text node. Rows change only on request: none moves under a pointer.
 */
export const CLIENTS_SCRIPT = `
{
  const [part, form, token, find, note, rows, more] =
    ['clients-part', 'operator', 'token', 'find', 'said', 'rows', 'more'].map((id) => document.getElementById(id))
  const ORIGINS = { management: 'by an operator', deletion: 'deleted at Authgear', configuration: 'CLIENTS_BLOCKED' }
  let clients = []

  async function call (path, method = 'GET') {
    const answer = await fetch(path, {
      method, headers: { authorization: 'Bearer ' + token.value }, cache: 'no-store', credentials: 'omit',
      redirect: 'error', signal: AbortSignal.timeout(${PATIENCE_MS})
    })
    const body = await answer.json()
    if (!answer.ok) throw new Error(body.message ?? 'HTTP ' + answer.status)
    return body
  }

  async function show (text = '') {
    try {
      clients = clientsOf(await call('clients'))
      draw()
      note.textContent = text
    } catch (error) {
      note.textContent = (text && text + ' – ') + error.message
    }
  }

  async function change (method, name) {
    const text = await call('clients/' + encodeURIComponent(name) + '/block', method)
      .then(({ status }) => status.replace('_', ' '), (error) => error.message)
    await show(name + ': ' + text)
    Array.from(rows.querySelectorAll('button')).find((one) => one.dataset.name === name)?.focus()
  }

  function clientsOf ({ blocked, seen }) {
    const blocks = new Map(Array.from(blocked, (block) => [block.name, block]).reverse())
    const ids = new Set(seen.map((one) => one.client_id))
    const others = [...blocks.values()].filter(({ name }) => !ids.has(name))
    return [
      ...seen.map((one) => ({ ...one, name: one.client_id, block: blocks.get(one.blocked_by) })),
      ...others.map((block) => ({ name: block.name, block }))
    ]
  }

  function draw () {
    const found = clients.filter(({ name }) => name.toLowerCase().includes(find.value.trim().toLowerCase()))
    rows.replaceChildren(...found.slice(0, ${MAX_ROWS}).map(rowOf))
    rows.closest('.table').hidden = false
    const left = found.length - rows.children.length
    more.textContent = left > 0 ? 'and ' + left + ' more: find them by a part of the id' : ''
  }

  function rowOf (one) {
    const { name, block, resources = [], users = '', requests = '', refusals = '' } = one
    const head = make('th', name)
    head.scope = 'row'
    const state = make('td', block === undefined ? '–' : stateOf(name, block))
    if (block !== undefined) state.className = 'bad'
    const texts = [resources.join(' '), users, ago(one.first_seen), ago(one.last_seen), requests, refusals]
    const row = make('tr', head, make('td', ...buttonsOf(name, block)), state)
    row.append(...texts.map((text) => make('td', String(text))))
    return row
  }

  const stateOf = (name, { name: by, origin, since }) =>
    [ago(since), ORIGINS[origin] ?? origin, by === name ? '' : 'as ' + by].filter((text) => text !== '').join(', ')

  function buttonsOf (name, block) {
    if (block !== undefined) {
      return block.name === name && block.origin !== 'configuration' ? [button('Lift', 'DELETE', name)] : []
    }
    const origin = name.toLowerCase().startsWith('https:') && URL.canParse(name) ? new URL(name).origin : name
    // with a * it is no one host's
    const host = origin === name || /[*]|%2a/i.test(origin) ? [] : [' ', button('Block host', 'PUT', origin)]
    return [button('Block', 'PUT', name), ...host]
  }

  function button (label, method, name) {
    const one = make('button', label)
    one.type = 'button'
    one.dataset.name = name
    one.setAttribute('aria-label', label + ' ' + name)
    one.addEventListener('click', () => change(method, name))
    return one
  }

  function make (tag, ...texts) {
    const one = document.createElement(tag)
    one.append(...texts)
    return one
  }

  function ago (time) {
    if (time === undefined) return ''
    const minutes = Math.round((Date.now() - Date.parse(time)) / 60000)
    if (minutes < 1) return 'just now'
    if (minutes < 60) return minutes + ' min ago'
    return minutes < 2880 ? Math.round(minutes / 60) + ' h ago' : Math.round(minutes / 1440) + ' d ago'
  }

  part.hidden = false
  find.addEventListener('input', () => { if (clients.length > 0) draw() })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    show()
  })
}
`
