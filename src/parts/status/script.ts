/** An open page refreshes itself this often. */
const REFRESH_INTERVAL_MS = 5000

/**
 * The page's script puts new numbers in the place of old ones. Parts that did not change are not touched, nor what a
 * reader has opened, scrolled to or focused, all of which is outside of the parts. Stands still while nobody looks, or
 * when told to. It also says each time as the reader's own clock does.
 */
export const SCRIPT = `'use strict'
const said = document.getElementById('updates')
const button = document.getElementById('pause')
const partsOf = (root) => Array.from(root.querySelectorAll('[data-part]'))
let isPaused = false

const pad = (number) => String(number).padStart(2, '0')
const localOf = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(':')

function localise (root) {
  for (const time of root.querySelectorAll('time')) time.textContent = localOf(new Date(time.dateTime))
  for (const label of root.querySelectorAll('[data-zone]')) label.textContent = label.dataset.zone
}

async function update () {
  if (isPaused || document.hidden) return
  try {
    const answer = await fetch(location.href, { cache: 'no-cache', redirect: 'error', signal: AbortSignal.timeout(${REFRESH_INTERVAL_MS}) })
    if (!answer.ok) throw new Error(String(answer.status))
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    localise(fresh)
    swap(fresh)
    say('')
  } catch {
    say('Not up to date: the service does not answer.')
  }
}

function swap (fresh) {
  const [olds, news] = [partsOf(document), partsOf(fresh)]
  if (olds.map((part) => part.dataset.part).join() !== news.map((part) => part.dataset.part).join()) return location.reload()
  olds.forEach((old, index) => { if (!old.isEqualNode(news[index])) old.replaceWith(news[index]) })
  document.title = fresh.title
  document.dispatchEvent(new Event('fresh'))
}

function say (text) { if (said.textContent !== text) said.textContent = text }

localise(document)
button.hidden = false
button.addEventListener('click', () => {
  isPaused = !isPaused
  button.setAttribute('aria-pressed', String(isPaused))
  update()
})
document.addEventListener('visibilitychange', update)
setInterval(update, ${REFRESH_INTERVAL_MS})
`
