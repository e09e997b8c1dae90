import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import type { DockerApi } from '../helpers/docker-api.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { runTraefik, wikiLabels } from './https-proxies.ts'
import { APP, certificateAt, NAS_HOST, type Running, startStack, WIKI_HOST } from './https-stack.ts'
import { swap } from './snippets.ts'

const WIKI = `https://${WIKI_HOST}/`

/** What somebody writes for it by docs/second-app.md, apart from `.env`. */
type Steps = Readonly<{ addMiddleware: () => void, startWiki: () => void }>

t.test('https.yml: a second app with a rule of its own joins while it runs', {
  skip: skipOrFail('docker-compose', 'pebble', 'pebble-challtestsrv', 'traefik') || skipOrFailWithoutChromium()
}, async (t) => {
  const { running, addMiddleware, startWiki } = await startFirstApp(t)
  t.equal(await certificateAt(running.ports.https, WIKI_HOST, running.pebble.root), undefined)
  const begun = performance.now()
  addMiddleware()
  startWiki()
  await running.roll({ LOGIN_ALLOWED_HOSTS: `${NAS_HOST},${WIKI_HOST}` })
  const hasCertificate = async (): Promise<boolean> =>
    await certificateAt(running.ports.https, WIKI_HOST, running.pebble.root) !== undefined
  await until('a certificate for the wiki', hasCertificate)
  await untilRouted(t, running)
  const alice = await openAs(t, running, 'alice')
  t.match(await alice.locator('main').innerText(), demo.alice.id, 'an editor is in, and the app knows her')
  t.comment(`second app: ${Math.round(performance.now() - begun)} ms from the first line to an editor in the wiki`)
  const bob = await openAs(t, running, 'bob')
  t.equal((await bob.goto(WIKI))?.status(), 403, 'who is no editor is not')
  t.equal((await bob.goto(`${APP}/page`))?.status(), 200, 'and has the first app, by the same sign-in')
})

async function startFirstApp (t: Test): Promise<Steps & Readonly<{ running: Running }>> {
  const steps: Steps[] = []
  const running = await startStack(t, {
    name: 'https.yml before the second app',
    file: 'deploy/compose/https.yml',
    env: { LOGIN_ALLOWED_HOSTS: NAS_HOST },
    async start (t, place) {
      const docker = await runTraefik(t, place, { isAlone: true })
      steps.push(stepsOf(docker, join(place.folder, 'own/authgear.yml'), place.ports.app))
    }
  })
  const [written] = steps
  if (written === undefined) throw new Error('Traefik was not started')
  return { running, ...written }
}

const stepsOf = (docker: DockerApi, file: string, port: number): Steps => ({
  addMiddleware () {
    const text = readFileSync(file, 'utf8')
    const [line = ''] = /^ +authgear-admins: .*\n/m.exec(text) ?? []
    writeFileSync(file, swap(text, line, line + line.replace('-admins', '-editors').replace('=admin', '=editor')))
  },
  startWiki () {
    const middleware = { 'traefik.http.routers.wiki.middlewares': 'authgear-editors@file' }
    docker.start({ name: 'wiki', labels: { ...wikiLabels(port), ...middleware } })
  }
})

/** Traefik asks for the certificate before it has read the file with the middleware, and answers 404 between. */
async function untilRouted (t: Test, { browser }: Running): Promise<void> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  await until('the route of the wiki', async () => (await page.goto(WIKI))?.status() !== 404)
}

/** In a window of their own, from the wiki's address through Authgear's login page. */
async function openAs (t: Test, { browser, pages }: Running, user: 'alice' | 'bob'): Promise<Page> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  await page.goto(WIKI)
  t.ok(page.url().startsWith(`${pages}/login-page`), 'the wiki asks')
  const button = page.getByRole('button', { name: new RegExp(`^${user}`) })
  await Promise.all([page.waitForURL(WIKI), button.click()])
  return page
}
