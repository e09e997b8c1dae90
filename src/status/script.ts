/** Milliseconds between two looks of an open page. */
const EVERY = 5000

/**
 * What a browser runs: puts new numbers in the place of old ones. Parts that did not change are not touched, nor what a reader has opened, scrolled to
 * or focused, all of which is outside of the parts. Stands still while nobody looks, or when told to.
 */
export const SCRIPT = `'use strict'
const said = document.getElementById('updates')
const button = document.getElementById('pause')
const partsOf = (root) => Array.from(root.querySelectorAll('[data-part]'))
let isPaused = false

async function update () {
  if (isPaused || document.hidden) return
  try {
    const answer = await fetch(location.href, { cache: 'no-cache', redirect: 'error', signal: AbortSignal.timeout(${EVERY}) })
    if (!answer.ok) throw new Error(String(answer.status))
    swap(new DOMParser().parseFromString(await answer.text(), 'text/html'))
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
}

function say (text) { if (said.textContent !== text) said.textContent = text }

button.hidden = false
button.addEventListener('click', () => {
  isPaused = !isPaused
  button.setAttribute('aria-pressed', String(isPaused))
  update()
})
document.addEventListener('visibilitychange', update)
setInterval(update, ${EVERY})
`
