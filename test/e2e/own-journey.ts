import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { launchChromium } from '../helpers/chromium.ts'
import { seriousOf } from '../helpers/axe.ts'
import { keepPicture } from '../helpers/docs-picture.ts'
import { keyOf, makeOwnCert } from '../helpers/own-cert.ts'
import { HOST } from '../helpers/request.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { APP, startApp } from './journey.ts'
import { LOGIN } from './people.ts'
import type { Edits, Proxy } from './proxy.ts'
import { startProxy } from './start-proxy.ts'

const WIKI_HOST = 'wiki.other.test'
export const WIKI = `https://${WIKI_HOST}`
const MANAGEMENT_TOKEN = 'a token of this test'

/** Authgear on a domain of its own ← forward-auth ← the proxy at two other domains → an app; all over TLS. */
export interface OwnJourney {
  readonly authgear: RunningSimulator
  /** Authgear's origin. */
  readonly url: string
  readonly service: Service
  readonly browser: Browser
  /** All sessions of this person are forgotten here, as a webhook or the audit log would have it. */
  purge (userId: string): Promise<void>
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

export async function startOwnJourney (t: Test, proxy: Proxy): Promise<OwnJourney> {
  const certificate = makeOwnCert(t, '127.0.0.1', HOST, WIKI_HOST)
  const [authgear, redis, app] = await Promise.all([
    startSimulator(t, {
      tls: { key: readFileSync(certificate.keyFile, 'utf8'), cert: readFileSync(certificate.certFile, 'utf8') },
      clients: [{
        id: 'web',
        redirectUris: [APP, WIKI].map((origin) => `${origin}/_auth/callback`),
        postLogoutRedirectUris: [APP, WIKI].map((origin) => `${origin}/_auth/logged-out`)
      }]
    }),
    startRedis(t),
    startApp(t)
  ])
  const url = `https://127.0.0.1:${authgear.port}`
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: url,
    AUTHGEAR_CA_FILE: certificate.caFile,
    ...LOGIN,
    LOGIN_SESSION: 'own',
    LOGIN_PUBLIC_URL: `${APP},${WIKI}`,
    REDIS_URL: redis.url,
    CACHE_SECRET: 'a secret of this test, longer than 32 bytes',
    CACHE_TTL: '1s',
    MANAGEMENT_TOKEN,
    ...proxy.tls && { LISTEN_TLS_CERT_FILE: certificate.certFile, LISTEN_TLS_KEY_FILE: certificate.keyFile }
  })
  const port = await startProxy(t, withWiki(proxy), {
    app,
    forwardAuth: [service.port],
    caFile: proxy.tls ? certificate.caFile : undefined,
    certificate,
    options: ['--login', '--policy', '/fresh=max_age=60', '--policy', '/admin=role=admin']
  })
  const browser = await launchChromium([
    `--host-resolver-rules=MAP ${HOST}:443 127.0.0.1:${port}, MAP ${WIKI_HOST}:443 127.0.0.1:${port}, ` +
      'MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${keyOf(readFileSync(certificate.certFile))}`
  ])
  t.teardown(() => browser.close())
  return {
    authgear,
    url,
    service,
    browser,
    async purge (userId) {
      const told = await fetch(`${service.managementUrl}/revocations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: userId })
      })
      if (told.status !== 200) throw new Error(`POST /revocations: ${told.status} ${await told.text()}`)
    },
    async screenshot (page, name) {
      const serious = await page.locator('main').count() > 0 ? await seriousOf(page) : []
      if (serious.length > 0) throw new Error(`${page.url()}: ${serious.join()}`)
      await keepPicture(page, `own-session/${proxy.snippet}-${name}.png`)
    }
  }
}
