import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { keepPicture, takeDocsPicture } from '../helpers/docs-picture.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, sign, WEBHOOK_SECRET } from '../helpers/webhook.ts'
import {
  startCaddy, startReadmeCaddy, startTraefik, startTraefikWithDns, startTraefikWithOwn
} from './https-proxies.ts'
import {
  APP, APP_HOST, certificateAt, NAS_HOST, startStack, type Running, type Stack, TEAM_HOST,
  WIKI_HOST
} from './https-stack.ts'

const NEEDS = ['docker-compose', 'pebble', 'pebble-challtestsrv', 'caddy', 'traefik'] as const
const skip = skipOrFail(...NEEDS) || skipOrFailWithoutChromium()
const EVENT = disabledEvent(demo.dora.id)
const DEEP = '/deep/link?a=1&b=2'

const WEBHOOK = { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }

const STACKS: ReadonlyArray<Stack & Readonly<{ apps: boolean }>> = [
  { name: 'https.yml', file: 'deploy/compose/https.yml', env: WEBHOOK, start: startTraefik, apps: true },
  { name: 'https-caddy.yml', file: 'deploy/compose/https-caddy.yml', env: WEBHOOK, start: startCaddy, apps: true },
  {
    name: 'one container and ten lines of Caddyfile',
    file: 'deploy/compose/https-caddy.yml',
    own: true,
    plain: true,
    start: startReadmeCaddy,
    apps: false
  },
  {
    name: 'https.yml with sessions of our own',
    file: 'deploy/compose/https.yml',
    own: true,
    env: WEBHOOK,
    start: startTraefik,
    apps: true
  },
  {
    name: 'https-caddy.yml with sessions of our own',
    file: 'deploy/compose/https-caddy.yml',
    own: true,
    env: WEBHOOK,
    start: startCaddy,
    apps: true
  }
]

for (const stack of STACKS) {
  t.test(`${stack.name}: a certificate from a real ACME server, and a person signs in`, { skip }, async (t) => {
    const begun = performance.now()
    const running = await startStack(t, stack)
    t.match(running.certificate.issuer, /Pebble/)
    await testJourney(t, stack.name, running)
    t.comment(`https: ${stack.name}: ${Math.round(performance.now() - begun)} ms from the start to signed out`)
    await testPolicy(t, running, stack.apps)
    if (!stack.apps) return
    await testWebhook(t, running)
    await testOtherApps(t, running, [WIKI_HOST, NAS_HOST, ...stack.start === startTraefik ? [TEAM_HOST] : []])
  })
}

/** Where the certificate comes from otherwise, by lines of `.env`. */
const CERTIFICATES: ReadonlyArray<Stack & Readonly<{ issuer: RegExp }>> = [
  {
    name: 'https.yml with a DNS challenge',
    file: 'deploy/compose/https.yml',
    env: { ACME_CHALLENGE: 'dnschallenge.provider=exec' },
    start: startTraefikWithDns,
    issuer: /Pebble/
  },
  {
    name: 'https.yml with an own certificate',
    file: 'deploy/compose/https.yml',
    env: { CERT_RESOLVER: '' },
    ownCertificate: true,
    start: startTraefikWithOwn,
    issuer: /authgear-forward-auth/
  },
  {
    name: 'https-caddy.yml with an own certificate',
    file: 'deploy/compose/https-caddy.yml',
    env: { CADDY_TLS: 'tls /own/tls.crt /own/tls.key' },
    ownCertificate: true,
    start: startCaddy,
    issuer: /authgear-forward-auth/
  }
]

for (const stack of CERTIFICATES) {
  t.test(`${stack.name}: a person signs in`, { skip }, async (t) => {
    const running = await startStack(t, stack)
    t.match(running.certificate.issuer, stack.issuer)
    await testJourney(t, stack.name, running)
  })
}

/** In a private window, by a link that was typed without https. */
async function testJourney (t: Test, name: string, { browser, pages }: Running): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 800, height: 560 } })
  const page = await context.newPage()
  await page.goto(`http://${APP_HOST}${DEEP}`)
  t.ok(page.url().startsWith(`${pages}/login-page`), 'is sent to HTTPS, and to Authgear\'s login page')
  await keepPicture(page, `https/${name.replaceAll(/\W+/g, '-')}-1-login.png`)
  await choose(page, 'alice', APP)
  t.equal(page.url(), `${APP}${DEEP}`, 'comes back to the very link')
  t.ok((await page.locator('main').innerText()).includes(demo.alice.id), 'and the app knows who it is')
  await keepPicture(page, `https/${name.replaceAll(/\W+/g, '-')}-2-app.png`)
  if (name === 'https.yml') await takeDocsPicture(t, page, 'https-signed-in')
  t.equal((await page.goto(`${APP}/admin`))?.status(), 200, 'who has the role may')
  await Promise.all([page.waitForURL(`${APP}/_auth/logged-out`), page.getByRole('link', { name: 'sign out' }).click()])
  await page.goto(`${APP}${DEEP}`)
  t.ok(page.url().startsWith(`${pages}/login-page`), 'after signing out it asks again')
  await context.close()
}

async function testPolicy (t: Test, { browser }: Running, policies: boolean): Promise<void> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(APP)
  await choose(page, 'bob', APP)
  t.equal(await statusOf(page, '/;/admin'), 400, 'a path that an app may read differently')
  t.equal(await statusOf(page, '/_auth/verify'), 200, 'no other path is forward-auth\'s: the app has it')
  if (policies) t.equal(await statusOf(page, '/admin'), 403, 'who lacks the role may not')
  await context.close()
}

/** By `.env` alone, and at an address that no app has. */
async function testWebhook (t: Test, { ports, pebble }: Running): Promise<void> {
  const statusOf = async (signature: string): Promise<number> => (await ask(ports.https, {
    tls: { ca: pebble.root, servername: APP_HOST },
    host: APP_HOST,
    method: 'POST',
    path: '/_auth/webhook',
    headers: [['x-authgear-body-signature', signature]],
    body: EVENT
  })).status
  t.equal(await statusOf(sign(EVENT)), 204, 'Authgear\'s webhook arrives')
  t.equal(await statusOf(sign('another body')), 401, 'and nobody else\'s')
}

/** Both have their own host, and the login is on the first app's. */
async function testOtherApps (
  t: Test, { browser, pages, ports, pebble }: Running, hosts: readonly string[]
): Promise<void> {
  for (const host of hosts) {
    const hasCertificate = async (): Promise<boolean> =>
      await certificateAt(ports.https, host, pebble.root) !== undefined
    await until(`a certificate for ${host}`, hasCertificate)
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(`https://${host}/page?x=1`)
    t.ok(page.url().startsWith(`${pages}/login-page`), `${host} asks`)
    await choose(page, 'bob', `https://${host}`)
    t.equal(page.url(), `https://${host}/page?x=1`)
    t.ok((await page.locator('main').innerText()).includes(demo.bob.id), `${host} knows who it is`)
    t.equal(await statusOf(page, '/;/x'), 400, 'guarded as the first app is')
    if (host === TEAM_HOST) t.equal(await statusOf(page, '/admin'), 403, 'by the policy that snippet wrote')
    t.equal((await page.goto(`${APP}/page`))?.status(), 200, 'and the first app too, without another login')
    await context.close()
  }
}

/** As a script of the page's own gets it: the browser shows no page for an answer without a body. */
const statusOf = (page: Page, path: string): Promise<number> =>
  page.evaluate(`fetch('${path}').then(({ status }) => status)`)

async function choose (page: Page, user: string, origin: string): Promise<void> {
  await Promise.all([
    page.waitForURL((url) => url.origin === origin && !url.pathname.startsWith('/_auth/')),
    page.getByRole('button', { name: new RegExp(`^${user}`) }).click()
  ])
}
