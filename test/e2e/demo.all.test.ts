import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { seriousOf } from '../helpers/axe.ts'
import { recordLines } from '../../deploy/demo/record.mjs'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { DEMO_VARIABLES, freePorts, startDemo, type Ports } from '../helpers/demo.ts'
import { takeDocsPicture } from '../helpers/docs-picture.ts'
import { ask } from '../helpers/request.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { answers, until } from '../helpers/until.ts'

/** The printed command as a request. */
async function runCurl (line: string): Promise<{ status: number, text: string }> {
  const headers = [...line.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name = '', value = '']): [string, string] => [
    name, value
  ])
  const answer = await fetch(line.slice(line.indexOf('http://')), { headers, redirect: 'manual' })
  return { status: answer.status, text: await answer.text() }
}

/** Where there is none, nobody is blocked. */
const HAS_REDIS = skipOrFail('redis-server') === false

for (const proxy of ['built-in', 'caddy', 'traefik'] as const) {
  t.test(`the demo with ${proxy}`, { skip: proxy !== 'built-in' && skipOrFail(proxy) }, async t => {
    const ports = await freePorts()
    const running = await startDemo(t, ports, proxy)
    t.equal(running.output().match(/✓/g)?.length, HAS_REDIS ? 5 : 4, 'it proved itself')
    t.equal(running.output().includes('✓ 401 (client_blocked) while it runs, then 200 again'), HAS_REDIS)
    t.notMatch(running.output(), '✗')

    const lines = running.output().match(/curl -i -H '.*|curl -i http.*/g) ?? []
    const [nobody, alice, bob] = await Promise.all(lines.map(runCurl))
    t.match(nobody, { status: 401, text: '"no_credentials"' })
    t.match(alice, { status: 200, text: /"roles": \[\s*"admin",\s*"editor"\s*\]/ })
    t.match(bob, { status: 200, text: '"roles": []' }, 'the roles that bob claims are gone')
    const record = await askRecord(t, running.output())
    await showsItsPage(t, ports.DEMO_PORT)
    await signInInChromium(t, ports, proxy === 'built-in')
    const [, statusPage = ''] = /Status page: (\S+)/.exec(running.output()) ?? []
    t.match(
      await (await fetch(statusPage)).text(), '<h1>authgear-forward-auth</h1>', 'the status page is where it says'
    )

    running.signal('SIGINT')
    t.equal(await running.ended, 0)
    t.strictSame(await Promise.all(Object.values(ports).map(answers)), DEMO_VARIABLES.map(() => false),
      'nothing is left running')
    t.notOk(existsSync(record), 'nor the access record')
  })
}

/** Types what the demo printed last. @returns the record's file */
async function askRecord (t: Test, output: string): Promise<string> {
  const [, typed = '', file = ''] = /^Who opened what[^]*?\n\n( {2}[^]*?'([^']+)')\n\nready:/m.exec(output) ?? []
  const ask = (): string => execFileSync('bash', ['-c', typed], { encoding: 'utf8' })
  await until('the machine is in it', () => /allowed.*demo-machine.*POST.*\/mcp/.test(ask()))
  const answer = ask()
  t.match(answer, new RegExp(`allowed.*${demo.alice.id}.*GET`))
  t.match(answer, /refused.*nobody.*GET/)
  return file
}

t.test('the record is asked by jq, and by Node where there is none', { skip: skipOrFail('jq') }, async (t) => {
  const file = join(tempDir(t, 'record'), 'access.jsonl')
  writeFileSync(file, readFileSync(join(import.meta.dirname, '../fixtures/access.jsonl')))
  const PATH = [dirname(mustFind('jq')), dirname(process.execPath), process.env['PATH']].join(delimiter)
  const [byJq = [], byNode = []] = [true, false].map((hasJq) =>
    execFileSync('bash', ['-c', recordLines(file, hasJq).join('\n')], { encoding: 'utf8', env: { PATH } }).split('\n'))
  t.equal(byJq.length, readFileSync(file, 'utf8').split('\n').length)
  t.match(byJq[0], '["2026-11-27T08:00:00.000Z","signed_in","alice","GET","/_auth/callback"]')
  t.equal(byNode[0], '2026-11-27T08:00:00.000Z signed_in alice GET /_auth/callback')
  t.equal(byNode.length, byJq.length)
})

/** As a browser's page, to alice. */
async function showsItsPage (t: Test, port: number) {
  const headers = { authorization: `Bearer ${demo.alice.accessToken}`, accept: 'text/html' }
  const page = await (await fetch(`http://localhost:${port}`, { headers })).text()
  for (const text of ['Hello, Alice Example', 'You are signed in', 'The signed assertion', 'The app verified it']) {
    t.match(page, text)
  }
}

/** A person who signed in some time ago says again who they are, and then has the page. */
async function confirm (t: Test, page: Page, url: string): Promise<void> {
  const link = page.getByRole('link', { name: 'Confirm who you are' })
  t.equal(new URL(await link.getAttribute('href') ?? '', page.url()).href, url, 'the app links to it')
  const isAsked = async (): Promise<boolean> => await page.getByRole('heading', { name: 'Is it you?' }).isVisible()
  await until('the sign-in is too old for the page', async () => {
    await page.goto(url)
    return await isAsked()
  })
  await until('the page opens', async () => {
    if (await isAsked()) await page.getByRole('button', { name: 'I am alice' }).click()
    return page.url() === url
  })
  t.match(await page.locator('main').innerText(), demo.alice.id)
}

/** Through Authgear's login page and back, to a page for admins and out again: by clicks alone. */
async function signInInChromium (t: Test, ports: Ports, takesPictures: boolean) {
  await t.test('in a browser, by clicks alone', { skip: skipOrFailWithoutChromium() }, async (t) => {
    const browser = await launchChromium()
    t.teardown(() => browser.close())
    const page = await (await browser.newContext({ viewport: { width: 800, height: 560 } })).newPage()
    const [origin, authgear] = [`http://localhost:${ports.DEMO_PORT}`, `http://localhost:${ports.DEMO_AUTHGEAR_PORT}`]
    const at = (name: string): Promise<void> => checkLook(t, page, takesPictures ? name : undefined)
    const choose = async (user: keyof typeof demo, url: string): Promise<void> => {
      t.ok(page.url().startsWith(`${authgear}/login-page?`), 'at Authgear\'s own login page')
      await page.getByRole('button', { name: new RegExp(`^${user}`) }).click()
      await page.waitForURL(url)
      t.match(await page.locator('main').innerText(), demo[user].id, `the app knows ${user}`)
    }
    await page.goto(`${origin}/deep/link?a=1&b=2`)
    await at('demo-login')
    await choose('bob', `${origin}/deep/link?a=1&b=2`)
    const rows: number[] = await page.evaluate(ROWS)
    t.ok(rows.length > 5 && rows.every((height) => height < 40), 'a header and its value on one line')
    const wiki = `http://wiki.localhost:${ports.DEMO_WIKI_PORT}/`
    await page.getByRole('link', { name: 'Wiki, for editors' }).click()
    await page.waitForURL(wiki)
    t.equal((await page.goto(wiki))?.status(), 403, 'Authgear knows bob, who is no editor')
    t.equal((await page.goto(`${origin}/admin`))?.status(), 403, 'bob is no admin')
    await checkLook(t, page, undefined)
    await page.getByRole('link', { name: 'Your sessions' }).click()
    await page.waitForURL(`${authgear}/settings/sessions`)
    t.match(await page.locator('main').innerText(), /Your sessions[^]*bob/, 'at Authgear')
    await page.goBack()
    await page.getByRole('link', { name: 'Use another account' }).click()
    await page.waitForURL(`${authgear}/login-page?*`)
    await choose('alice', `${origin}/admin`)
    await at('demo-app')
    await t.test('a second app has a rule of its own', async (t) => {
      const second = await page.context().newPage()
      await until('bob, who left, is forgotten, and Authgear knows alice, who is an editor', async () => {
        await second.goto(wiki)
        return (await second.locator('main').innerText()).includes(demo.alice.id)
      })
      t.equal(await second.getByRole('link', { name: 'Admin page' }).count(), 0)
      await second.close()
    })
    await confirm(t, page, `${origin}/confirm`)
    const tab = await page.context().newPage()
    await tab.goto(`${origin}/`)
    await tab.getByText(/Live connection: \d\d:\d\d:\d\d/).waitFor()
    await page.getByRole('link', { name: 'sign out' }).click()
    await page.waitForURL(`${origin}/_auth/logged-out`)
    await tab.getByText('closed, since your session ended or changed').waitFor()
    if (takesPictures) await takeDocsPicture(t, tab, 'demo-closed', { clip: { x: 0, y: 0, width: 800, height: 236 } })
    await at('demo-signed-out')
    await page.getByRole('link', { name: 'Your sessions' }).click()
    await page.waitForURL(`${authgear}/login?rd=%2Fsettings%2Fsessions`)
    await page.getByRole('button', { name: /^bob/ }).click()
    await page.waitForURL(`${authgear}/settings/sessions`)
    t.match(await page.locator('main').innerText(), /Your sessions[^]*bob/, 'after a sign-in')
    await page.goto(`${authgear}/logout`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.goto(`${origin}/admin`)
    t.ok(page.url().startsWith(`${authgear}/login-page?`), 'nobody is signed in any more')
  })
}

/** One look on a screen and on a phone: that of the service's own pages. */
async function checkLook (t: Test, page: Page, picture: string | undefined): Promise<void> {
  const { width, height } = page.viewportSize() ?? { width: 800, height: 560 }
  if (picture !== undefined) await takeDocsPicture(t, page, picture)
  await page.setViewportSize({ width: 320, height: 640 })
  t.strictSame(await seriousOf(page), [], page.url())
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing beside the window')
  await page.setViewportSize({ width, height })
  t.strictSame(await page.evaluate(LOOK), ['12px', '24px', 'rgb(243, 244, 246)'], `${page.url()} looks as the others`)
}

/** How high the rows of the headers are, but for the long ones. */
const ROWS = 'Array.from(document.querySelectorAll("tr"))' +
  '.filter((tr) => !/assertion|auth-session/.test(tr.innerText))' +
  '.map((tr) => tr.clientHeight)'

/** Corners, size of the heading, ground. */
const LOOK = '[getComputedStyle(document.querySelector("main")).borderRadius, ' +
  'getComputedStyle(document.querySelector("h1")).fontSize, getComputedStyle(document.body).backgroundColor]'

t.test('a taken port is named, with the variable that changes it', async t => {
  const ports = await freePorts()
  const other = createServer().listen(ports.DEMO_APP_PORT, '127.0.0.1')
  t.teardown(() => other.close())
  await t.rejects(startDemo(t, ports, 'built-in'), new RegExp(`port ${ports.DEMO_APP_PORT} is taken.*DEMO_APP_PORT=`))
})

t.test('a nonsensical setting is named', async t => {
  await t.rejects(startDemo(t, { ...await freePorts(), DEMO_PORT: 0 }, 'built-in'), /DEMO_PORT must be a port/)
  await t.rejects(startDemo(t, await freePorts(), 'apache'), /DEMO_PROXY must be one of/)
})

t.test('a project of one\'s own is asked about, and nothing is simulated', async (t) => {
  const project = ['--authgear', 'https://127.0.0.1:1/', '--client', 'a1b2c3d4e5f60718']
  await t.rejects(startDemo(t, await freePorts(), 'built-in', project.slice(0, 2)), /write both/)
  await t.rejects(startDemo(t, await freePorts(), 'built-in', ['--authgear', 'x', '--client', 'y']), /such as https:/)
  const ports = await freePorts()
  const running = await startDemo(t, ports, 'built-in', project)
  const origin = `http://localhost:${ports.DEMO_PORT}`
  for (const path of ['callback', 'logged-out']) t.match(running.output(), `${origin}/_auth/${path}`)
  t.equal(running.output().match(/✓/g)?.length, 1, 'nobody is let in')
  t.notOk(await answers(ports.DEMO_AUTHGEAR_PORT))
  const sent = await ask(ports.DEMO_PORT, { path: '/_auth/login', host: new URL(origin).host })
  const location = new URL(sent.headers.location ?? '')
  t.equal(location.origin, 'https://127.0.0.1:1')
  t.equal(location.searchParams.get('client_id'), 'a1b2c3d4e5f60718')
  t.equal(location.searchParams.get('redirect_uri'), `${origin}/_auth/callback`)
})

t.test(
  'when one of its programs dies, the demo says which and ends',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const ports = await freePorts()
    const running = await startDemo(t, ports, 'built-in')
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ').map(Number)
    const app = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('app.mjs'))
    process.kill(app ?? 0, 'SIGKILL')
    t.equal(await running.ended, 1)
    t.match(running.output(), /app ended unexpectedly \(SIGKILL\)/)
    t.strictSame(await Promise.all(Object.values(ports).map(answers)), DEMO_VARIABLES.map(() => false),
      'nothing is left running')
  }
)
