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
import { startProcess, type Service } from '../helpers/process.ts'
import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../helpers/simulator.ts'
import { LOGIN } from './people.ts'
import { caddy, nginx, traefik } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

export const APP = `https://${HOST}`
const AUTHGEAR_HOST = 'auth.example.com'
export const AUTHGEAR = `https://${AUTHGEAR_HOST}`
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

/**
 * Authgear at auth.example.com ← forward-auth ← the proxy at app.example.com → an app that says who is there; both over
 * TLS.
 */
export interface Journey {
  readonly authgear: RunningSimulator
  readonly service: Service
  readonly browser: Browser
  /** The session ends at Authgear, and forward-auth is told. @param session the cookie's value */
  end (session: string): Promise<void>
  /** Keeps what a person sees. */
  screenshot (page: Page, name: string): Promise<void>
}

export async function startJourney (t: Test, proxy: Proxy, simulator: SimulatorOptions = {}): Promise<Journey> {
  const certificate = makeOwnCert(t, '127.0.0.1', HOST, AUTHGEAR_HOST)
  const authgear = await startSimulator(t, {
    cookieDomain: 'example.com',
    tls: { key: readFileSync(certificate.keyFile, 'utf8'), cert: readFileSync(certificate.certFile, 'utf8') },
    clients: [
      { id: 'web', redirectUris: [`${APP}/_auth/callback`], postLogoutRedirectUris: [`${APP}/_auth/logged-out`] }
    ],
    ...simulator
  })
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: AUTHGEAR,
    AUTHGEAR_RESOLVER_URL: `https://127.0.0.1:${authgear.port}/_resolver/resolve`,
    AUTHGEAR_CA_FILE: certificate.caFile,
    ...LOGIN,
    MANAGEMENT_TOKEN,
    ...proxy.tls && { LISTEN_TLS_CERT_FILE: certificate.certFile, LISTEN_TLS_KEY_FILE: certificate.keyFile }
  })
  const port = await startProxy(t, proxy, {
    app: await startApp(t),
    forwardAuth: [service.port],
    caFile: proxy.tls ? certificate.caFile : undefined,
    certificate,
    options: ['--login', '--policy', '/fresh=max_age=60', '--policy', '/admin=role=admin']
  })
  const browser = await launchChromium([
    `--host-resolver-rules=MAP ${HOST}:443 127.0.0.1:${port}, MAP ${AUTHGEAR_HOST}:443 127.0.0.1:${authgear.port}, ` +
      'MAP * ~NOTFOUND',
    `--ignore-certificate-errors-spki-list=${keyOf(readFileSync(certificate.certFile))}`
  ])
  t.teardown(() => browser.close())
  const end = async (session: string): Promise<void> => {
    authgear.controls.signOut(session)
    const told = await fetch(`${service.managementUrl}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ cookie: `session=${session}` })
    })
    if (told.status !== 200) throw new Error(`POST /revocations: ${told.status}`)
  }
  return {
    authgear,
    service,
    browser,
    end,
    async screenshot (page, name) {
      // nginx' own page of a 401 has none
      const isOurs = await page.locator('main').count() > 0
      const serious = isOurs ? await seriousOf(page) : []
      if (serious.length > 0) throw new Error(`${page.url()}: ${serious.join()}`)
      await keepPicture(page, `login/${proxy.snippet}-${name}.png`)
    }
  }
}

/** Says who is there, with a form, a link and the way out. @returns its port */
export async function startApp (t: Test): Promise<number> {
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
