// @ts-check
// What is open ends with its session: docs/open-connections.md has the same, and WebSockets, for apps of one's own.
import { setTimeout as sleep } from 'node:timers/promises'

export const CLOCK_PATH = '/clock'

const { EVENTS_URL, EVENTS_TOKEN } = process.env
/** @type {Set<{ names: readonly string[], user: string, end: () => void }>} */
const open = new Set()

/**
 * A clock that ticks as long as its session lives.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
export function answerClock ({ headers }, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const tick = () => response.write(`data: ${new Date().toLocaleTimeString('en-GB')}\n\n`)
  const timer = setInterval(tick, 1000)
  const one = {
    names: String(headers['x-forward-auth-session'] ?? '').split('.'),
    user: String(headers['x-authgear-user-id'] ?? ''),
    // a second event about it, or a tick, may come before the connection is closed
    end: () => { forget(); response.end('event: over\ndata: now\n\n') }
  }
  const forget = () => { clearInterval(timer); open.delete(one) }
  open.add(one)
  response.once('close', forget)
  tick()
}

/** @param {string} event @param {Record<string, unknown>} data */
function tell (event, { kind, session, user }) {
  const isAll = event === 'reset' || kind === 'everyone'
  const isRevoked = event === 'revoked'
  for (const one of open) {
    const isIts = isRevoked && (one.names.includes(String(session)) || one.user === user)
    if (isAll || isIts) one.end()
  }
}

/** Reads what is revoked, for as long as the app runs. */
export async function followEvents () {
  if (EVENTS_URL === undefined) return
  let last = ''
  for (;;) {
    const headers = { authorization: `Bearer ${EVENTS_TOKEN}`, ...last !== '' && { 'last-event-id': last } }
    await fetch(EVENTS_URL, { headers }).then(async ({ body }) => {
      let text = ''
      for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (text + piece).split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const { id = last, event = '', data = '{}' } = Object.fromEntries(
            block.split('\n').map((line) => line.split(/: (.*)/))
          )
          tell(event, JSON.parse(data))
          last = id
        }
      }
    }).catch(() => {}) // it is asked again
    await sleep(500)
  }
}
