import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { seriousOf } from '../helpers/axe.ts'
import { openPage } from '../helpers/browser-page.ts'
import { startChild } from '../helpers/child.ts'
import { commandOfDemo } from '../helpers/readme.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { keepPicture } from '../helpers/docs-picture.ts'
import { listenFree } from '../helpers/listen-free.ts'

const ROOT = join(import.meta.dirname, '../..')
const SITE = join(ROOT, 'artifacts/site')
/** As GitHub Pages serves the site of a repository. */
const BASE = '/authgear-forward-auth/'
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png'
}
const PHONE = { viewport: { width: 390, height: 844 } }
const SCREEN = { viewport: { width: 1280, height: 900 } }
/** Of each kind one: home, map, tables, pictures, code of each proxy, generated text, the longest. */
const KINDS = [
  '', 'docs/', 'docs/configuration.html', 'docs/monitoring.html', 'docs/proxies/nginx.html', 'docs/runbook.html',
  'docs/performance.html', 'docs/inside/architecture.html', 'docs/inside/revocation-protocol.html'
]
const IDS = '[...document.querySelectorAll("[id]")].map((one) => one.id)'
/** What people look for, and the pages that answer it: one of them is the first or second hit. */
const QUERIES: ReadonlyArray<readonly [query: string, pages: RegExp]> = [
  ['e-mail', /docs\/(?:profile|policies|identity)\.html/],
  ['email', /docs\/(?:profile|policies|identity)\.html/],
  ['upgrade', /docs\/(?:operations|kubernetes|docker)\.html/],
  ['backup', /docs\/operations\.html/],
  ['two apps different roles', /docs\/(?:apps\/|second-app\.html|policies\.html)/],
  ['log out everywhere', /docs\/(?:revocation|login)\.html/],
  ['Nextcloud', /docs\/apps\//],
  ['websocket', /docs\/open-connections\.html/],
  ['MCP', /docs\/mcp\.html/],
  ['503', /docs\/runbook\.html/],
  ['cookie_domain', /docs\/(?:login|portal|doctor)\.html/],
  ['letsencrypt', /docs\/(?:docker|tls|proxies\/\w+)\.html/],
  ['Nextcloud on my Android tablet with a password manager', /docs\/apps\/nextcloud\.html/]
]
/** Ten questions as people type them: not every word is on a page. */
const QUESTIONS: typeof QUERIES = [
  ['Nextcloud on a phone', /docs\/apps\/nextcloud\.html/],
  ['letsencrypt certificate', /docs\/docker\.html/],
  ['allow only one email domain', /docs\/policies\.html/],
  ['two apps with different roles', /docs\/(?:apps\/|second-app\.html|policies\.html)/],
  ['sign out everywhere', /docs\/(?:revocation|login)\.html/],
  ['why do users get 503', /docs\/runbook\.html/],
  ['how much memory does it need', /docs\/(?:operations|performance)\.html/],
  ['git clone with a password', /docs\/basic\.html/],
  ['protect an MCP server for Claude', /docs\/mcp\.html/],
  ['move from oauth2-proxy', /docs\/migrating\.html/]
]
const HITS = '[...document.querySelectorAll(".results .result")].slice(0, 2).map((one) => one.getAttribute("href"))'
const LINKS = '[...document.links].map((link) => link.href)'

t.test('npm run site', { skip: skipOrFailWithoutChromium() }, async (t) => {
  const build = await startChild(t, {
    name: 'npm run site',
    command: 'npm',
    args: ['run', 'site'],
    cwd: ROOT,
    env: { SITE_BASE: BASE, NODE_V8_COVERAGE: '' },
    ready: (output) => output.includes('site: VitePress')
  })
  t.equal(await build.ended, 0, 'a dead link would have ended it')
  const origin = await serve(t)
  const home = origin + BASE
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const pages = readdirSync(SITE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html') && name !== '404.html').map((name) => name.replace(/index\.html$/, ''))

  for (const [query, pages] of [...QUERIES, ...QUESTIONS]) {
    t.test(`the search finds a page for "${query}"`, async (t) => {
      const { page } = await openPage(t, browser, SCREEN)
      await page.goto(home)
      await page.locator('.VPNavBarSearchButton, #local-search button').first().click()
      await page.locator('#localsearch-input').fill(query)
      await page.locator('.results .result').first().waitFor()
      await keepPicture(page, `site-pictures/search-${query.replaceAll(' ', '-')}.png`)
      const hits = await page.evaluate<string[]>(HITS)
      t.match(hits.join(' '), pages)
      await page.keyboard.press('Enter')
      await page.waitForURL((url) => url.pathname === new URL(hits[0] ?? '', origin).pathname)
    })
  }

  t.test('on a phone no page scrolls sideways, and every link and anchor is there', async (t) => {
    const { page, complaints } = await openPage(t, browser, PHONE)
    const anchors = new Map<string, ReadonlySet<string>>()
    const links: Array<readonly [from: string, to: string]> = []
    for (const path of pages) {
      await open(page, home + path)
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${path}: as wide as the phone`)
      anchors.set(home + path, new Set(await page.evaluate<string[]>(IDS)))
      links.push(...(await page.evaluate<string[]>(LINKS)).map((to) => [path, to] as const))
    }
    const isDead = (to: string): boolean => {
      const [address = '', hash = ''] = to.split('#')
      const ids = anchors.get(address)
      if (ids === undefined) return fileOf(new URL(to).pathname) === undefined
      return hash !== '' && !ids.has(decodeURIComponent(hash))
    }
    t.ok(pages.length > 100)
    t.strictSame(links.filter(([, to]) => to.startsWith(origin) && isDead(to)), [])
    t.strictSame(complaints, [])
  })

  for (const [name, options] of [
    ['light', { ...SCREEN, colorScheme: 'light' }], ['dark', { ...SCREEN, colorScheme: 'dark' }],
    ['phone', PHONE], ['phone-dark', { ...PHONE, colorScheme: 'dark' }]
  ] as const) {
    t.test(`axe finds nothing serious: ${name}`, async (t) => {
      const { page } = await openPage(t, browser, options)
      for (const path of KINDS) {
        await open(page, home + path)
        await keepPicture(page, `site-pictures/${name}-${path.replaceAll('/', '-') || 'home'}.png`)
        t.strictSame(await seriousOf(page), [], path)
      }
    })
  }

  t.test('each block of code is copied by a button', async (t) => {
    const { page } = await openPage(t, browser, { ...SCREEN, permissions: ['clipboard-read', 'clipboard-write'] })
    await open(page, home)
    t.equal(await page.locator('pre').count(), await page.locator('div:has(> pre) > button.copy').count())
    await page.locator('button.copy').first().click()
    await page.locator('button.copied').waitFor()
    const command = commandOfDemo(readFileSync(join(ROOT, 'README.md'), 'utf8'))
    t.equal(await page.evaluate('navigator.clipboard.readText()'), command)
  })

  t.test('each page has its Markdown, and llms.txt leads to it', async (t) => {
    const { page } = await openPage(t, browser, SCREEN)
    const known = await (await fetch(`${home}llms.txt`)).text()
    t.match(known, /^# authgear-forward-auth\n\n> /)
    for (const [, path = ''] of known.matchAll(/^- .*\]\(([^)]+)\)/gm)) {
      t.equal((await fetch(new URL(path, origin))).status, 200, path)
    }
    for (const path of pages) t.ok(known.includes(`](${BASE}${markdownOf(path)})`), path)
    await open(page, `${home}docs/docker.html`)
    await page.getByText('This page as Markdown').click()
    await page.waitForURL(`${home}docs/docker.md`)
    t.match(await page.locator('body').innerText(), '# Docker Compose')
  })
})

const markdownOf = (path: string): string => path.replace(/(^|\/)$/, '$1README.md').replace(/\.html$/, '.md')

/** Its scripts have run, too. */
async function open (page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.locator('.VPNavBarSearch button').first().waitFor()
}

function fileOf (pathname: string): string | undefined {
  const name = decodeURIComponent(pathname).replace(BASE, '').replace(/(^|\/)$/, '$1index.html')
  return readdirSync(SITE, { recursive: true, encoding: 'utf8' }).includes(name) ? name : undefined
}

/** artifacts/site as a web server with nothing but files has it. */
async function serve (t: Test): Promise<string> {
  const server = createServer((request, response) => {
    const name = fileOf(new URL(request.url ?? '/', 'http://site').pathname)
    if (name === undefined) return response.writeHead(404).end()
    const type = TYPES[extname(name)] ?? 'text/plain; charset=utf-8'
    response.writeHead(200, { 'content-type': type }).end(readFileSync(join(SITE, name)))
  })
  return `http://127.0.0.1:${await listenFree(t, server)}`
}
