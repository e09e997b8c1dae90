import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { type ComposeService, readProject } from '../helpers/compose.ts'
import { freePort } from '../helpers/free-port.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { mustFind, type ServerName, skipOrFail } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { answers } from '../helpers/until.ts'
import { containerOf, fileOf, hostOf } from './apps/home-containers.ts'
import { upgrades } from './apps/upgrades.ts'
import { STACKS, type Stack, startStack } from './compose-proxies.ts'
import { ALICE, BOB, cookieOf } from './people.ts'

const [TRAEFIK] = STACKS as readonly [Stack]

/** The real program behind a real Traefik, each as the app's compose file sets it. @returns the entry's port */
async function behindTraefik (
  t: Test, name: string, port: number, env: Readonly<Record<string, string>> = {}
): Promise<number> {
  const containers = [containerOf(name, port, env)]
  return (await startStack(t, TRAEFIK, { app: port, env: {}, containers })).entry
}

function commandOf (name: string, service: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const { services } = readProject(['deploy/compose/https.yml', fileOf(name)], { APP_HOST: 'localhost', ...env })
  return (services[service] as ComposeService).command ?? []
}

const needs = (name: ServerName): string | false => skipOrFail('docker-compose', 'traefik', name)

t.test('Home Assistant believes its proxy, and its own login stays', { skip: needs('home-assistant') }, async (t) => {
  const name = 'home-assistant'
  const [folder, port] = [tempDir(t, name), await freePort()]
  await configure(t, folder, port)
  await startChild(t, {
    name,
    command: mustFind(name),
    args: ['-m', 'homeassistant', '-c', folder, '--skip-pip'],
    cwd: folder,
    ready: () => ask(port, { path: '/auth/providers' }).then(({ status }) => status < 500, () => false)
  })
  const entry = await behindTraefik(t, name, port, { HOME_ASSISTANT_OPEN: 'authgear-clean' })
  const get = (path: string, ...headers: readonly HeaderLine[]) => ask(entry, { host: hostOf(name), path, headers })
  t.match((await get('/')).headers['x-forward-auth-reason'], 'no_credentials')
  t.match(await get('/', cookieOf(ALICE)), { status: 302, headers: { location: /onboarding/ } }, 'not 400')
  t.match(await get('/api/', cookieOf(ALICE)), { status: 401, body: /Unauthorized/ }, 'no session of its own')
  const socket = { host: hostOf(name), path: '/api/websocket' }
  t.ok(await upgrades(entry, { ...socket, headers: [cookieOf(ALICE)] }), 'its WebSocket')
  t.notOk(await upgrades(entry, { ...socket, headers: [] }))
  const hook = { host: hostOf(name), method: 'POST', path: '/api/webhook/0123abcd' }
  t.equal((await ask(entry, hook)).status, 200, 'it answers any id alike')
})

/** By the file's own script, twice, as at each start. Of what Home Assistant writes itself only the pages are kept. */
async function configure (t: Test, folder: string, port: number): Promise<void> {
  const name = 'home-assistant'
  const [script = ''] = commandOf(name, `${name}-proxy`, { HOME_ASSISTANT_SUBNET: '127.0.0.1/32' })
  const here = script.replaceAll(/(?<=[ >])\/config(?=[/\n])/g, folder).replace('python3', mustFind(name))
  for (let start = 1; start <= 2; start++) await promisify(execFile)('sh', ['-ec', here])
  const file = join(folder, 'configuration.yaml')
  const [, proxied = '', again] = readFileSync(file, 'utf8').split(/^(?=http:)/m)
  t.equal(again, undefined, 'written once')
  const rest = `  server_host: 127.0.0.1\n  server_port: ${port}\nfrontend:\napi:\nwebsocket_api:\nwebhook:\n`
  writeFileSync(file, proxied + rest)
}

const skipCode = needs('code-server') || skipOrFailWithoutChromium()
t.test('code-server opens its editor for an admin and for no one else', { skip: skipCode }, async (t) => {
  const name = 'code-server'
  const [folder, port] = [tempDir(t, name), await freePort()]
  const args = commandOf(name, name).map((arg) => arg.replace('0.0.0.0:8080', `127.0.0.1:${port}`))
  await startChild(t, {
    name, command: mustFind(name), args: [...args, '--user-data-dir', folder], cwd: folder, ready: () => answers(port)
  })
  const entry = await behindTraefik(t, name, port)
  const url = `http://${hostOf(name)}:${entry}/`
  t.equal((await ask(entry, { host: hostOf(name) })).status, 401)
  t.equal((await ask(entry, { host: hostOf(name), headers: [cookieOf(BOB)] })).status, 403)
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  const [cookie = '', value = ''] = ALICE.cookie.split('=')
  await page.context().addCookies([{ name: cookie, value, url }])
  const talks = page.waitForEvent('websocket').then((socket) => socket.waitForEvent('framereceived'))
  await page.goto(url)
  await talks
  await page.locator('.monaco-workbench .part.editor').waitFor()
  t.pass('the editor is drawn, over a WebSocket')
})
