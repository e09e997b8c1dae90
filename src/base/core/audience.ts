/**
 * Who reads a refusal: a person, on the page their browser was going to, or a program. Presentation only, never access.
 */
export type Audience = 'navigation' | 'program'

type Signals = {
  mode: 'navigate' | 'other' | undefined
  dest: 'page' | 'empty' | undefined
  xhr: boolean
  /** Weights 0–1 that `Accept` gives by name; a wildcard names neither. */
  html: number
  json: number
}

/**
 * Requests that end as a page or a frame (fetch.spec.whatwg.org, "navigation request"); Chrome 76–79 wrote `nested-`.
 */
const NAVIGATING = new Set(['navigate', 'nested-navigate'])
const NOT_NAVIGATING = new Set(['cors', 'no-cors', 'same-origin', 'websocket'])
const PAGES = new Set(['document', 'nested-document', 'iframe', 'frame', 'fencedframe', 'embed', 'object'])
/** Browsers' are below 200; a longer one is not worth the time that it takes to split. */
const MAX_ACCEPT_BYTES = 1024
/** Java's HttpURLConnection, up to the present, names text/html for everything it fetches. */
const JAVA_DEFAULT = 'text/html, image/gif, image/jpeg, *'

/**
 * Fetch metadata first, since no script can forge it, then `X-Requested-With`, then `Accept`. Garbage counts as not
 * sent; of contradicting lines the one that says "program" counts.
 * @param rawHeaders name, value, name, value … as they arrived, never joined (Node's `rawHeaders`)
 */
export function readAudience (rawHeaders: readonly string[]): Audience {
  const signals: Signals = { mode: undefined, dest: undefined, xhr: false, html: 0, json: 0 }
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    // lengths of the four names: most lines are passed by without another look
    if (name.length === 6 || name.length === 14 || name.length === 16) {
      readLine(signals, name.toLowerCase(), rawHeaders[i + 1] ?? '')
    }
  }
  return audienceOf(signals)
}

function audienceOf ({ mode, dest, xhr, html, json }: Signals): Audience {
  if (mode === 'other') return 'program'
  if (mode === 'navigate' && dest !== 'empty') return 'navigation'
  // navigate + empty is a download, or a service worker that passes a navigation on: Accept tells them apart
  if (mode === undefined && dest !== undefined) return dest === 'page' ? 'navigation' : 'program'
  return !xhr && html > json ? 'navigation' : 'program'
}

function readLine (signals: Signals, name: string, value: string): void {
  switch (name) {
    case 'sec-fetch-mode': return readMode(signals, value)
    case 'sec-fetch-dest': return readDest(signals, value)
    // Android's WebView puts the app's name there, on navigations too
    case 'x-requested-with': signals.xhr ||= value.toLowerCase() === 'xmlhttprequest'; return
    case 'accept': return readAccept(signals, value)
  }
}

function readMode (signals: Signals, value: string): void {
  if (NOT_NAVIGATING.has(value)) signals.mode = 'other'
  else if (NAVIGATING.has(value)) signals.mode ??= 'navigate'
}

function readDest (signals: Signals, value: string): void {
  if (value === 'empty') signals.dest = 'empty'
  else if (PAGES.has(value)) signals.dest ??= 'page'
}

function readAccept (signals: Signals, value: string): void {
  if (value.length > MAX_ACCEPT_BYTES || value.startsWith(JAVA_DEFAULT)) return
  for (const range of value.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    if (type === 'text/html') signals.html = Math.max(signals.html, weight(parameters))
    else if (type === 'application/json' || type.endsWith('+json')) {
      signals.json = Math.max(signals.json, weight(parameters))
    }
  }
}

/** RFC 9110, 12.4.2: 1 where there is none; an unreadable one is 0. */
function weight (parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  return q === undefined ? 1 : Math.min(Number(q.slice(2)) || 0, 1)
}
