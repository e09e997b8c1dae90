import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { launchChromium } from '../helpers/chromium.ts'
import { seriousOf } from '../helpers/axe.ts'
import { keepPicture } from '../helpers/docs-picture.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { keyOf, makeOwnCert } from '../helpers/own-cert.ts'
import { HOST } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../helpers/simulator.ts'
import { LOGIN } from './people.ts'
import { caddy, nginx, traefik } from './proxies.ts'
import type { Edits, Proxy } from './proxy.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

export const APP = `https://${HOST}`
const WIKI_HOST = 'wiki.other.test'
export const WIKI = `https://${WIKI_HOST}`
const AUTHGEAR_HOST = 'auth.example.com'
const MANAGEMENT_TOKEN = 'a token of this test'

/** What an operator adds to the snippet, so that the proxy itself speaks TLS to browsers. */
export const BEHIND_TLS: readonly Proxy[] = [
  {
    ...traefik,
    edits: {
      'traefik.yml': (written) => swap(written, '    http:\n', '    http:\n      tls: {}\n'),
      'dynamic.yml': (written) => `${written}tls:\n  certificates:\n    - { certFile: tls.crt, keyFile: tls.key }\n`
    }
  },
  {
    ...caddy,
    edits: {
      Caddyfile: (written) => swap(written, '\tadmin off\n', '\tadmin off\n\tauto_https disable_redirects\n')
        .replaceAll(/^http(:\/\/[^\n]*:\d+ \{)$/gm, 'https$1\n\ttls tls.crt tls.key')
    }
  },
  {
    ...nginx,
    edits: {
      'nginx.conf': (written) =>
        swap(
          written,
          'events {}\nhttp {\n',
          'events {}\nhttp {\n  ssl_certificate tls.crt;\n  ssl_certificate_key tls.key;\n'
        ).replaceAll(/^( +(?:server \{ )?listen [^; ]+)/gm, '$1 ssl')
    }
  }
]

/** What opens the app: Authgear's session, of a cookie on their common domain, or one that forward-auth keeps. */
export type Sessions = 'authgear' | 'own'

/** Authgear ← forward-auth ← the proxy → an app that says who is there; all over TLS. */
export interface Journey {
  readonly authgear: RunningSimulator
  /** Authgear's origin: auth.example.com beside the app, or a domain of its own. */
  readonly url: string
  readonly browser: Browser
  /** What is to be forgotten, as `POST /revocations` takes it. */
  forget (target: Readonly<{ cookie: string } | { user_id: string }>): Promise<void>
  /** Keeps what a person sees. */
  screenshot (page: Page, name: string): Promise<void>
}

/** The same site under both names: an operator has one file for each. */
function withWiki (proxy: Proxy): Proxy {
  const edit = (file: string, change: (text: string) => string): Edits =>
    ({ ...proxy.edits, [file]: (written) => change(proxy.edits?.[file]?.(written) ?? written) })
  switch (proxy.snippet) {
    case 'traefik': return {
      ...proxy,
      edits: edit('dynamic.yml', (text) =>
        text.replaceAll(`Host(\`${HOST}\`)`, `(Host(\`${HOST}\`) || Host(\`${WIKI_HOST}\`))`))
    }
    case 'caddy': return {
      ...proxy,
      edits: edit('Caddyfile', (text) =>
        text.replace(new RegExp(`^https://${HOST}:(\\d+) \\{`, 'm'), `https://${HOST}:$1, https://${WIKI_HOST}:$1 {`))
    }
    default: return {
      ...proxy,
      edits: edit('nginx.conf', (text) => text.replace(`server_name ${HOST};`, `server_name ${HOST} ${WIKI_HOST};`))
    }
  }
}

/** Sessions of our own serve the wiki too, on another domain. */
export async function startJourney (
  t: Test, proxy: Proxy, sessions: Sessions, simulator: SimulatorOptions = {}
): Promise<Journey> {
  const isOwn = sessions === 'own'
  const certificate = makeOwnCert(t, '127.0.0.1', HOST, isOwn ? WIKI_HOST : AUTHGEAR_HOST)
  const apps = isOwn ? [APP, WIKI] : [APP]
  const authgear = await startSimulator(t, {
    ...!isOwn && { cookieDomain: 'example.com' },
    tls: { key: readFileSync(certificate.keyFile, 'utf8'), cert: readFileSync(certificate.certFile, 'utf8') },
    clients: [{
      id: 'web',
      redirectUris: apps.map((origin) => `${origin}/_auth/callback`),
      postLogoutRedirectUris: apps.map((origin) => `${origin}/_auth/logged-out`)
    }],
    ...simulator
  })
  const local = `https://127.0.0.1:${authgear.port}`
  const url = isOwn ? local : `https://${AUTHGEAR_HOST}`
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: url,
    AUTHGEAR_CA_FILE: certificate.caFile,
    ...LOGIN,
    ...isOwn
      ? {
          LOGIN_SESSION: 'own',
          LOGIN_PUBLIC_URL: apps.join(),
          REDIS_URL: (await startRedis(t)).url,
          CACHE_SECRET: 'a secret of this test, longer than 32 bytes',
          CACHE_TTL: '1s'
        }
      : { AUTHGEAR_RESOLVER_URL: `${local}/_resolver/resolve` },
    MANAGEMENT_TOKEN,
    ...proxy.tls && { LISTEN_TLS_CERT_FILE: certificate.certFile, LISTEN_TLS_KEY_FILE: certificate.keyFile }
  })
  const port = await startProxy(t, isOwn ? withWiki(proxy) : proxy, {
    app: await startApp(t),
    forwardAuth: [service.port],
    caFile: proxy.tls ? certificate.caFile : undefined,
    certificate,
    options: ['--login', '--policy', '/fresh=max_age=60', '--policy', '/admin=role=admin']
  })
  const other = isOwn ? `MAP ${WIKI_HOST}:443 127.0.0.1:${port}` : `MAP ${AUTHGEAR_HOST}:443 127.0.0.1:${authgear.port}`
  const browser = await launchChromium([
    `--host-resolver-rules=MAP ${HOST}:443 127.0.0.1:${port}, ${other}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
    `--ignore-certificate-errors-spki-list=${keyOf(readFileSync(certificate.certFile))}`
  ])
  t.teardown(() => browser.close())
  return {
    authgear,
    url,
    browser,
    async forget (target) {
      const told = await fetch(`${service.managementUrl}/revocations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(target)
      })
      if (told.status !== 200) throw new Error(`POST /revocations: ${told.status} ${await told.text()}`)
    },
    async screenshot (page, name) {
      // nginx' own page of a 401 has none
      const isOurs = await page.locator('main').count() > 0
      const serious = isOurs ? await seriousOf(page) : []
      if (serious.length > 0) throw new Error(`${page.url()}: ${serious.join()}`)
      await keepPicture(page, `${isOwn ? 'own-session' : 'login'}/${proxy.snippet}-${name}.png`)
    }
  }
}

/** Says who is there, with a form, a link and the way out. @returns its port */
async function startApp (t: Test): Promise<number> {
  const server = createServer((request, reply) => {
    request.resume()
    const user = String(request.headers['x-authgear-user-id'] ?? 'nobody')
    reply.setHeader('cache-control', 'no-store').setHeader('content-type', 'text/html').end(`<!doctype html><html lang="en">
<title>The app</title>
<h1>The app</h1>
<p id="user">${user}</p>
<p id="path">${(request.url ?? '').replaceAll('&', '&amp;')}</p>
<a href="/next">Next page</a> <a href="/_auth/logout">Sign out</a>
<form method="post" action="/form"><button>Save</button></form>`)
  })
  return await listenFree(t, server)
}
