import { setTimeout as sleep } from 'node:timers/promises'
import { tell } from './held.js'

const { EVENTS = 'http://forward-auth:4184', TOKEN } = process.env
let last // where to go on
let wait // ms until it is asked again, at most
let alone // since when the replica knows only what it learns itself
let ready

async function read () {
  const stream = new AbortController()
  const silent = setTimeout(() => stream.abort(new Error('silent')), 30_000) // a comment comes each ten seconds
  const headers = { authorization: `Bearer ${TOKEN}`, ...last && { 'last-event-id': last } }
  try {
    const { ok, status, body } = await fetch(`${EVENTS}/events`, { headers, signal: stream.signal })
    if (!ok) throw new Error(`answered ${status}`)
    let text = ''
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      silent.refresh()
      const blocks = (text + piece).split('\n\n')
      text = blocks.pop()
      blocks.forEach(take)
      if (Date.now() - alone > 10_000) throw new Error('this replica is cut off: on to another one')
    }
  } finally { clearTimeout(silent) }
}

function take (block) {
  const { id = last, event, data = '{}' } = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)))
  const { following, ...told } = JSON.parse(data)
  if (event === 'reset') tell({ kind: 'everyone' }, 'ask again')
  if (event === 'revoked') tell(told, 'revoked')
  if (event === 'connected' || event === 'reset') ready()
  if (following !== undefined) alone = following ? undefined : Date.now()
  if (following) wait = 500
  last = id
}

async function again () {
  for (wait = 500; ; wait = Math.min(2 * wait, 4500)) {
    alone = undefined
    await read().catch((error) => console.error('events:', error.message))
    await sleep(500 + Math.random() * wait)
  }
}

/** Returns when you are told, and goes on. */
export const follow = () => new Promise((resolve) => { ready = resolve; again() })
