// @ts-check
const SILENCE_MS = 10_000
const LOOK_MS = 1000
const CLEAR = '\r\x1b[2K'

/** @import { Progress, Screen } from './progress.mjs' */

/**
 * Shows that work goes on: on a terminal one line in place, elsewhere a line after each ten seconds of silence.
 * @type {(state: () => string, screen?: Screen, now?: () => number) => Progress}
 */
function createProgress (state, screen = process.stdout, now = () => performance.now()) {
  const isTerminal = screen.isTTY === true
  const began = now()
  let saidAt = began
  const clear = () => { if (isTerminal) screen.write(CLEAR) }
  return Object.freeze({
    look () {
      if (!isTerminal && now() - saidAt < SILENCE_MS) return
      saidAt = now()
      const text = `${Math.round((saidAt - began) / 1000)} s so far: ${state()}`
      screen.write(isTerminal ? CLEAR + text.slice(0, (screen.columns ?? 80) - 1) : `${text}\n`)
    },
    line (text) {
      clear()
      screen.write(`${text}\n`)
      saidAt = now()
    },
    clear
  })
}

/** @type {(state: () => string) => Progress & { stop: () => void }} */
export function startProgress (state) {
  const progress = createProgress(state)
  const timer = setInterval(progress.look, LOOK_MS)
  return { ...progress, stop () { clearInterval(timer); progress.clear() } }
}
