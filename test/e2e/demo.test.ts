import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { startChild, type Child } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { answers } from '../helpers/until.ts'

const DEMO = join(import.meta.dirname, '../../deploy/demo/demo.mjs')
const SCREENSHOTS = join(import.meta.dirname, '../../artifacts/demo')
const VARIABLES = [
  'DEMO_PORT',
  'DEMO_SERVICE_PORT',
  'DEMO_MANAGEMENT_PORT',
  'DEMO_AUTHGEAR_PORT',
  'DEMO_APP_PORT'
] as const
type Ports = Readonly<Record<typeof VARIABLES[number], number>>

async function freePorts (): Promise<Ports> {
  const ports = new Set<number>()
  while (ports.size < VARIABLES.length) ports.add(await freePort())
  return Object.fromEntries(VARIABLES.map((name, i) => [name, [...ports][i]])) as Ports
}

function startDemo (t: Test, ports: Ports, proxy: string): Promise<Child> {
  const numbers = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  return startChild(t, {
    name: `demo with ${proxy}`,
    command: process.execPath,
    args: [DEMO],
    // what a person's shell may carry must not reach the demo's service
    env: { ...numbers, DEMO_PROXY: proxy, REDIS_URL: 'redis://nowhere.invalid', AUTHGEAR_ENDPOINT: 'nonsense' },
    ready: output => /^ready:/m.test(output)
  })
}

/** The printed command as a request. */
async function runCurl (line: string): Promise<{ status: number, text: string }> {
  const headers = [...line.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name = '', value = '']): [string, string] => [
    name,
    value
  ])
  const answer = await fetch(line.slice(line.indexOf('http://')), { headers, redirect: 'manual' })
  return { status: answer.status, text: await answer.text() }
}

for (const proxy of ['built-in', 'caddy', 'traefik'] as const) {
  t.test(`the demo with ${proxy}`, { skip: proxy !== 'built-in' && skipOrFail(proxy) }, async t => {
    const ports = await freePorts()
    const demo = await startDemo(t, ports, proxy)
    t.equal(demo.output().match(/✓/g)?.length, 4, 'it proved itself')
    t.notMatch(demo.output(), '✗')

    const lines = demo.output().match(/curl -i -H '.*|curl -i http.*/g) ?? []
    const [nobody, alice, bob] = await Promise.all(lines.map(runCurl))
    t.match(nobody, { status: 401, text: '"no_credentials"' })
    t.match(alice, { status: 200, text: /"roles": \[\s*"admin",\s*"editor"\s*\]/ })
    t.match(bob, { status: 200, text: '"roles": []' }, 'the roles that bob claims are gone')
    await signInByPage(t, ports.DEMO_PORT)
    if (proxy === 'built-in') await signInInChromium(t, ports.DEMO_PORT)
    const [, statusPage = ''] = /Status page: (\S+)/.exec(demo.output()) ?? []
    t.match(
      await (await fetch(statusPage)).text(),
      '<h1>authgear-forward-auth</h1>',
      'the status page is where it says'
    )

    demo.signal('SIGINT')
    t.equal(await demo.ended, 0)
    t.strictSame(
      await Promise.all(Object.values(ports).map(answers)),
      [false, false, false, false, false],
      'nothing is left running'
    )
  })
}

/** What a person does in a browser. */
async function signInByPage (t: Test, port: number) {
  const url = `http://localhost:${port}`
  t.match(await (await fetch(`${url}/demo-login?rd=/`)).text(), 'Choose who you are')
  const signedIn = await fetch(`${url}/demo-login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ user: 'alice', rd: '/' })
  })
  t.equal(signedIn.headers.get('location'), '/')
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const page = await (await fetch(url, { headers: { cookie, accept: 'text/html' } })).text()
  for (const text of ['you are signed in', 'Alice Example', 'The signed assertion', 'The app verified it']) {
    t.match(page, text)
  }
}

/** From the page that refuses a person to the app, and from its 403 to somebody else: by clicks alone. */
async function signInInChromium (t: Test, port: number) {
  await t.test('in a browser, by clicks alone', { skip: skipOrFailWithoutChromium() }, async (t) => {
    mkdirSync(SCREENSHOTS, { recursive: true })
    const browser = await launchChromium()
    t.teardown(() => browser.close())
    const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage()
    const at = async (name: string): Promise<void> => {
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name}: nothing beside the window`)
      t.equal(await page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius"), '12px', 'one look')
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
    }
    const choose = async (user: string): Promise<void> => {
      await page.getByRole('button', { name: new RegExp(`^${user}`) }).click()
      await page.getByRole('heading', { name: 'you are signed in' }).waitFor()
    }
    t.equal((await page.goto(`http://localhost:${port}/`))?.status(), 401)
    await at('1-refused')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await at('2-login')
    await choose('bob')
    await at('3-app')
    t.equal((await page.goto(`http://localhost:${port}/admin`))?.status(), 403)
    await at('4-forbidden')
    await page.getByRole('link', { name: 'Sign in as somebody else' }).click()
    await choose('alice')
    t.equal((await page.goto(`http://localhost:${port}/admin`))?.status(), 200)
  })
}

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

t.test(
  'when one of its programs dies, the demo says which and ends',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const ports = await freePorts()
    const demo = await startDemo(t, ports, 'built-in')
    const children = readFileSync(`/proc/${demo.pid}/task/${demo.pid}/children`, 'utf8').trim().split(' ').map(Number)
    const app = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('app.mjs'))
    process.kill(app ?? 0, 'SIGKILL')
    t.equal(await demo.ended, 1)
    t.match(demo.output(), /app ended unexpectedly \(SIGKILL\)/)
    t.strictSame(
      await Promise.all(Object.values(ports).map(answers)),
      [false, false, false, false, false],
      'nothing is left running'
    )
  }
)
