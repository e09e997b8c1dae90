import { createServer, type Server } from 'node:http'
import t, { type Test } from 'tap'
import { readAudience, type Audience } from '../../src/base/core/audience.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'

/** Each path is asked for in the way that it is named after. */
const PAGE = `<!doctype html><title>everything that a page asks for</title>
<link rel="prefetch" href="/link-prefetch"><link rel="preload" as="fetch" href="/preload"><link rel="stylesheet" href="/style">
<script src="/script"></script><img src="/image"><iframe src="/iframe"></iframe><object data="/object"></object><embed src="/embed"><video src="/video"></video>
<script type="speculationrules">{"prefetch":[{"source":"list","urls":["/speculative"],"eagerness":"immediate"}]}</script>
<a id="link" href="/link">link</a><a id="download" download href="/download">download</a><form method="post" action="/form"></form>
<script>
fetch('/fetch'); fetch('/fetch-of-html', { headers: { accept: 'text/html' } }); navigator.sendBeacon('/beacon')
const xhr = new XMLHttpRequest(); xhr.open('GET', '/xhr'); xhr.send()
new EventSource('/event-source'); new WebSocket('ws://' + location.host + '/web-socket'); new Worker('/worker'); import('/module').catch(() => {})
</script>`

const SERVICE_WORKER = `
addEventListener('install', () => skipWaiting())
addEventListener('activate', (event) => event.waitUntil(clients.claim()))
addEventListener('fetch', (event) => { if (event.request.url.endsWith('/passed-on')) event.respondWith(fetch(event.request)) })`
const REGISTRATION = '<!doctype html><script>navigator.serviceWorker.register("/service-worker")</script>'

const DOCUMENTS: Readonly<Record<string, string>> = {
  '/': PAGE, '/service-worker': SERVICE_WORKER, '/registration': REGISTRATION
}

const BY_PAGE: Readonly<Record<string, Audience>> = {
  '/': 'navigation',
  '/iframe': 'navigation',
  '/object': 'navigation',
  '/embed': 'navigation',
  '/speculative': 'navigation',
  '/link-prefetch': 'program',
  '/preload': 'program',
  '/style': 'program',
  '/script': 'program',
  '/module': 'program',
  '/image': 'program',
  '/video': 'program',
  '/fetch': 'program',
  '/fetch-of-html': 'program',
  '/beacon': 'program',
  '/xhr': 'program',
  '/event-source': 'program',
  '/web-socket': 'program',
  '/worker': 'program'
}
const BY_PERSON: Readonly<Record<string, Audience>> = {
  '/link': 'navigation', '/form': 'navigation', '/download': 'program'
}
const BY_SERVICE_WORKER: Readonly<Record<string, Audience>> = {
  '/service-worker': 'program', '/passed-on': 'navigation'
}

t.test('what a real Chromium asks for', { skip: skipOrFailWithoutChromium() }, async t => {
  const server = await serve(t)
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  const check = async (expected: Readonly<Record<string, Audience>>): Promise<void> => {
    for (const [path, audience] of Object.entries(expected)) {
      t.equal(readAudience(await server.headersOf(path)), audience, `${path}: ${audience}`)
    }
  }

  await page.goto(`${server.origin}/`)
  await check(BY_PAGE)

  await page.click('#download')
  await server.headersOf('/download')
  await page.click('#link')
  await page.waitForURL('**/link')
  await page.goto(`${server.origin}/`)
  await page.evaluate('document.forms[0].submit()')
  await page.waitForURL('**/form')
  await check(BY_PERSON)

  await page.goto(`${server.origin}/registration`)
  await page.evaluate('navigator.serviceWorker.ready')
  await page.waitForFunction('navigator.serviceWorker.controller !== null')
  await page.goto(`${server.origin}/passed-on`)
  await check(BY_SERVICE_WORKER)
})

type Recorder = Readonly<{
  origin: string
  /** Waits until the path has been asked for; the test's own timeout ends it. */
  headersOf: (path: string) => Promise<readonly string[]>
}>

async function serve (t: Test): Promise<Recorder> {
  const seen = new Map<string, readonly string[]>()
  const waiting = new Map<string, (headers: readonly string[]) => void>()
  const record = (path: string, headers: readonly string[]): void => {
    if (seen.has(path)) return
    seen.set(path, headers)
    waiting.get(path)?.(headers)
  }
  const server: Server = createServer((request, response) => {
    const path = request.url ?? ''
    record(path, request.rawHeaders)
    response.setHeader('content-type', path === '/service-worker' ? 'text/javascript' : 'text/html')
    response.end(DOCUMENTS[path] ?? '<!doctype html>')
  })
  server.on('upgrade', (request, socket) => { record(request.url ?? '', request.rawHeaders); socket.destroy() })
  return {
    origin: `http://127.0.0.1:${await listenFree(t, server)}`,
    headersOf: async (path) => seen.get(path) ?? new Promise((resolve) => waiting.set(path, resolve))
  }
}
