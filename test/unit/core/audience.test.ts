import t from 'tap'
import fc from 'fast-check'
import { readAudience, type Audience } from '../../../src/base/core/audience.ts'
import { holds } from '../../helpers/property.ts'

type Case = readonly [who: string, audience: Audience, headers: readonly string[]]

/** Accept, Sec-Fetch-Mode, Sec-Fetch-Dest as flat header lines. */
function fetched (accept: string | undefined, mode: string, dest: string, ...more: string[]): readonly string[] {
  return [
    ...(accept === undefined ? [] : ['Accept', accept]), 'Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Mode', mode,
    'Sec-Fetch-Dest', dest, ...more
  ]
}

const accept = (value: string, ...more: string[]): readonly string[] => ['Accept', value, ...more]

// Chromium 156 and the programs of the first table were recorded; test/e2e/audience.test.ts asks Chromium again
const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,' +
  'application/signed-exchange;v=b3;q=0.7'
const CHROME_IMAGE = 'image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8'
const FIREFOX = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const FIREFOX_92 = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const SAFARI = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const INTERNET_EXPLORER = 'text/html, application/xhtml+xml, image/jxr, */*'

const CHROMIUM: readonly Case[] = [
  ['address bar', 'navigation',
    fetched(CHROME, 'navigate', 'document', 'Sec-Fetch-User', '?1', 'Upgrade-Insecure-Requests', '1')],
  ['reload', 'navigation', fetched(CHROME, 'navigate', 'document', 'Cache-Control', 'max-age=0')],
  ['form POST', 'navigation',
    fetched(CHROME, 'navigate', 'document', 'Content-Type', 'application/x-www-form-urlencoded')],
  ['iframe', 'navigation', fetched(CHROME, 'navigate', 'iframe')],
  ['frame', 'navigation', fetched(CHROME, 'navigate', 'frame')],
  ['fenced frame', 'navigation', fetched(CHROME, 'navigate', 'fencedframe')],
  ['object', 'navigation', fetched(CHROME, 'navigate', 'object')],
  ['embed', 'navigation', fetched(CHROME, 'navigate', 'embed')],
  ['speculative prefetch of a page, which may be shown', 'navigation',
    fetched(CHROME, 'navigate', 'document', 'Sec-Purpose', 'prefetch')],
  ['prerender', 'navigation', fetched(CHROME, 'navigate', 'document', 'Sec-Purpose', 'prefetch;prerender')],
  ['navigation that a service worker passes on', 'navigation', fetched(CHROME, 'navigate', 'empty')],
  ['Chrome 76 in a frame, before Sec-Fetch-Dest', 'navigation', accept(CHROME, 'Sec-Fetch-Mode', 'nested-navigate')],
  ['Chrome 79, before Sec-Fetch-Dest', 'navigation', accept(CHROME, 'Sec-Fetch-Mode', 'navigate')],
  ['Chrome 60, before Sec-Fetch-*', 'navigation',
    accept('text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8')],
  ['Android WebView, before Sec-Fetch-*, in an app', 'navigation',
    accept(FIREFOX, 'X-Requested-With', 'com.example.app')],
  ['Android WebView in an app', 'navigation',
    fetched(CHROME, 'navigate', 'document', 'X-Requested-With', 'com.example.app')],
  ['<a download>', 'program', fetched(undefined, 'navigate', 'empty')],
  ['<link rel=prefetch>', 'program', fetched(CHROME, 'no-cors', 'empty', 'Sec-Purpose', 'prefetch')],
  ['<link rel=preload>', 'program', fetched('*/*', 'no-cors', 'empty')],
  ['fetch', 'program', fetched('*/*', 'cors', 'empty')],
  ['fetch of HTML', 'program', fetched('text/html', 'cors', 'empty')],
  ['fetch with mode same-origin, of HTML', 'program', fetched('text/html', 'same-origin', 'empty')],
  ['a service worker\'s own fetch with a navigation\'s headers', 'program', fetched(CHROME, 'cors', 'empty')],
  ['XMLHttpRequest', 'program', fetched('*/*', 'cors', 'empty')],
  ['EventSource', 'program', fetched('text/event-stream', 'cors', 'empty')],
  ['WebSocket over plain HTTP', 'program', ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13']],
  [
    'WebSocket over TLS',
    'program',
    ['Upgrade', 'websocket', 'Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Mode', 'websocket', 'Sec-Fetch-Dest', 'empty']
  ],
  ['beacon', 'program', fetched('*/*', 'no-cors', 'empty')],
  ['<img>', 'program', fetched(CHROME_IMAGE, 'no-cors', 'image')],
  ['favicon', 'program', fetched(CHROME_IMAGE, 'no-cors', 'image')],
  ['<script>', 'program', fetched('*/*', 'no-cors', 'script')],
  ['module script', 'program', fetched('*/*', 'cors', 'script')],
  ['style sheet', 'program', fetched('text/css,*/*;q=0.1', 'no-cors', 'style')],
  ['font', 'program', fetched('*/*', 'cors', 'font')],
  ['video', 'program', fetched('*/*', 'no-cors', 'video')],
  ['manifest', 'program', fetched('*/*', 'cors', 'manifest')],
  ['worker', 'program', fetched('*/*', 'same-origin', 'worker')],
  ['service worker\'s script', 'program', fetched('*/*', 'same-origin', 'serviceworker', 'Service-Worker', 'script')]
]

const OTHER_BROWSERS: readonly Case[] = [
  ['Firefox: address bar', 'navigation',
    fetched(FIREFOX, 'navigate', 'document', 'Sec-Fetch-User', '?1', 'Priority', 'u=0, i')],
  ['Firefox: iframe', 'navigation', fetched(FIREFOX, 'navigate', 'iframe')],
  ['Firefox: form POST', 'navigation', fetched(FIREFOX, 'navigate', 'document', 'Origin', 'https://app.example.com')],
  ['Firefox: fetch', 'program', fetched('*/*', 'cors', 'empty')],
  ['Firefox: image', 'program',
    fetched('image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5', 'no-cors', 'image')],
  ['Firefox: WebSocket', 'program', fetched('*/*', 'websocket', 'empty')],
  ['Firefox: WebSocket, earlier', 'program', fetched('*/*', 'websocket', 'websocket')],
  ['Firefox: prefetch', 'program', fetched('*/*', 'no-cors', 'empty', 'Sec-Purpose', 'prefetch')],
  ['Firefox 89, before Sec-Fetch-*', 'navigation', accept(FIREFOX_92)],
  ['Firefox 89: image', 'program', accept('image/webp,*/*')],
  ['Safari 16.4: address bar', 'navigation', fetched(SAFARI, 'navigate', 'document')],
  ['Safari 16.4: iframe', 'navigation', fetched(SAFARI, 'navigate', 'iframe')],
  ['Safari 16.4: fetch', 'program', fetched('*/*', 'cors', 'empty')],
  ['Safari 15: address bar', 'navigation', accept(SAFARI, 'Accept-Language', 'en-GB,en;q=0.9')],
  ['Safari 15: form POST', 'navigation',
    accept(SAFARI, 'Origin', 'https://app.example.com', 'Content-Type', 'application/x-www-form-urlencoded')],
  ['Safari 15: fetch and XMLHttpRequest', 'program', accept('*/*')],
  ['Safari 15: EventSource', 'program', accept('text/event-stream')],
  ['Safari 15: WebSocket', 'program', ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13']],
  ['Safari 15: image', 'program',
    accept('image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5')],
  ['Safari 15: jQuery load of HTML', 'program', accept('text/html, */*; q=0.01', 'X-Requested-With', 'XMLHttpRequest')],
  ['Internet Explorer 11', 'navigation', accept(INTERNET_EXPLORER)],
  ['Lynx', 'navigation', accept('text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01')],
  ['w3m', 'navigation', accept('text/html, text/*;q=0.5, image/*')],
  [
    'Googlebot',
    'navigation',
    accept('text/html,application/xhtml+xml,application/signed-exchange;v=b3,application/xml;q=0.9,*/*;q=0.8', 'From',
      'googlebot(at)googlebot.com')
  ]
]

const PROGRAMS: readonly Case[] = [
  ['curl', 'program', accept('*/*')],
  ['curl that asks for HTML', 'navigation', accept('text/html')],
  ['wget', 'program', accept('*/*', 'Accept-Encoding', 'identity')],
  ['Go', 'program', ['User-Agent', 'Go-http-client/1.1', 'Accept-Encoding', 'gzip']],
  ['Java HttpClient', 'program', ['User-Agent', 'Java-http-client/17.0.15', 'Upgrade', 'h2c', 'Content-Length', '0']],
  ['Java 17 HttpURLConnection', 'program', accept('text/html, image/gif, image/jpeg, */*; q=0.2')],
  ['Java 8 HttpURLConnection', 'program', accept('text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2')],
  ['Python requests, httpx, aiohttp', 'program', accept('*/*', 'Accept-Encoding', 'gzip, deflate')],
  ['Python urllib', 'program', ['Accept-Encoding', 'identity', 'User-Agent', 'Python-urllib/3.11']],
  ['Node fetch', 'program', accept('*/*', 'accept-language', '*', 'sec-fetch-mode', 'cors')],
  ['okhttp', 'program', ['Accept-Encoding', 'gzip', 'User-Agent', 'okhttp/4.12.0']],
  ['axios in a browser', 'program', fetched('application/json, text/plain, */*', 'cors', 'empty')],
  ['axios in Node', 'program', accept('application/json, text/plain, */*')],
  ['jQuery XHR', 'program', fetched('*/*', 'cors', 'empty', 'X-Requested-With', 'XMLHttpRequest')],
  ['HTMX', 'program', fetched('*/*', 'cors', 'empty', 'HX-Request', 'true', 'HX-Boosted', 'true')],
  ['Turbo, which asks for HTML by fetch', 'program', fetched('text/html, application/xhtml+xml', 'cors', 'empty')],
  ['ActivityPub', 'program', accept('application/activity+json, application/ld+json')],
  ['nothing at all', 'program', []]
]

const NEGOTIATION: readonly Case[] = [
  ['HTML over JSON', 'navigation', accept('text/html, application/json;q=0.9')],
  ['JSON over HTML', 'program', accept('text/html;q=0.8, application/json')],
  ['HTML and JSON alike', 'program', accept('text/html, application/json')],
  ['JSON of a kind over HTML', 'program', accept('application/problem+json, text/html;q=0.5')],
  ['HTML refused', 'program', accept('text/html;q=0, */*')],
  ['HTML refused in long form', 'program', accept('text/html; Q=0.000')],
  ['HTML with an unreadable weight', 'program', accept('text/html;q=high')],
  ['HTML with a negative weight', 'program', accept('text/html;q=-1')],
  ['HTML with a parameter', 'navigation', accept('text/html;level=1;q=0.4')],
  ['HTML in capitals', 'navigation', accept('TEXT/HTML')],
  ['a wildcard for text alone', 'program', accept('text/*')],
  ['a type that only begins like it', 'program', accept('text/htmlx')],
  ['two lines', 'navigation', accept('text/css', 'Accept', 'text/html')],
  ['two lines, JSON in the other', 'program', accept('text/html', 'Accept', 'application/json')],
  ['an empty value', 'program', accept('')],
  ['separators only', 'program', accept(',;,;q=,')],
  ['longer than any browser\'s', 'program', accept(`text/html,${'a/b,'.repeat(300)}`)]
]

const CONTRADICTIONS: readonly Case[] = [
  ['two modes, a navigation first', 'program', fetched(CHROME, 'navigate', 'document', 'Sec-Fetch-Mode', 'cors')],
  ['two modes, a navigation last', 'program', fetched(CHROME, 'cors', 'document', 'Sec-Fetch-Mode', 'navigate')],
  ['two destinations without a mode', 'program',
    accept(CHROME, 'Sec-Fetch-Dest', 'document', 'Sec-Fetch-Dest', 'empty')],
  ['the same two destinations in the other order', 'program',
    accept(CHROME, 'Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Dest', 'document')],
  ['the same twice', 'navigation', fetched('*/*', 'navigate', 'document', 'Sec-Fetch-Mode', 'navigate')],
  ['fetch metadata before Accept', 'navigation', fetched('application/json', 'navigate', 'document')],
  ['fetch metadata before X-Requested-With', 'navigation',
    fetched('*/*', 'navigate', 'document', 'X-Requested-With', 'XMLHttpRequest')],
  ['X-Requested-With before Accept, in any case', 'program', accept(SAFARI, 'x-requested-with', 'xmlhttprequest')],
  ['garbage in the mode: the destination counts', 'navigation', fetched('*/*', 'navigate, cors', 'document')],
  ['garbage in both: Accept counts', 'navigation', fetched(SAFARI, '\u0000', '__proto__')],
  ['garbage in both, and no page wanted', 'program', fetched('*/*', 'constructor', 'toString')],
  ['a destination alone', 'navigation', ['Sec-Fetch-Dest', 'document']],
  ['names in lower case, after pseudo headers (HTTP/2)', 'navigation',
    [':method', 'GET', ':path', '/verify', 'sec-fetch-mode', 'navigate', 'sec-fetch-dest', 'document']],
  ['names in capitals', 'navigation', ['SEC-FETCH-MODE', 'navigate']],
  ['a name without a value', 'program', ['Sec-Fetch-Mode']]
]

const TABLES: Readonly<Record<string, readonly Case[]>> = {
  Chromium: CHROMIUM,
  'other browsers': OTHER_BROWSERS,
  programs: PROGRAMS,
  'Accept by its weights': NEGOTIATION,
  contradictions: CONTRADICTIONS
}

for (const [table, cases] of Object.entries(TABLES)) {
  t.test(table, async t => {
    for (const [who, audience, headers] of cases) t.equal(readAudience(headers), audience, `${who}: ${audience}`)
  })
}

t.test('any lines at all: an answer, the same in any order of the lines', async t => {
  const name = fc.constantFrom('Accept', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'X-Requested-With', 'Content-Length')
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'navigate', 'cors', 'document', 'empty', 'image', 'XMLHttpRequest', CHROME, 'application/json', '*/*'
    )
  )
  await holds(t, fc.property(fc.array(fc.tuple(name, value)), lines => {
    const audience = readAudience(lines.flat())
    return (audience === 'navigation' || audience === 'program') && readAudience(lines.toReversed().flat()) === audience
  }))
})
