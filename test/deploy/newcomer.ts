// `npm run newcomer`: from an empty folder, by README.md alone, to a person who is signed in: commands and times.
// The demo is run as it is written. The other two need Docker and a domain: the programs of the images run on the same
// files in their place, with a real ACME server and Chromium (test/e2e/https); deploy/docker/verify.sh runs containers.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launchChromium } from '../helpers/chromium.ts'
import { freePort } from '../helpers/free-port.ts'
import { effortOf, type Way } from '../helpers/readme.ts'

const ROOT = join(import.meta.dirname, '../..')
const READY_MS = 120_000
const { NODE_OPTIONS: _, ...ENV } = process.env
const folder = mkdtempSync(join(tmpdir(), 'newcomer-'))
const clone = join(folder, 'authgear-forward-auth')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const effort = effortOf(read('README.md'), read('deploy/compose/.env.example'), read('docs/second-app.md'))

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`
const say = (way: Way, text: string): void => {
  const { commands, lines } = effort[way]
  const written = lines === 0 ? '' : ` and ${lines} lines of a file`
  const load = `load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`
  console.log(`newcomer: ${way}: ${commands} commands${written}; ${text} (${load})`)
}

function run (command: string, args: readonly string[], cwd: string): string {
  const since = performance.now()
  execFileSync(command, args, { cwd, env: ENV, stdio: ['ignore', 'pipe', 'pipe'] })
  return seconds(since)
}

/** `npm run demo`, and then a person in Chromium. */
async function demo (): Promise<string> {
  const names = ['', 'SERVICE_', 'MANAGEMENT_', 'AUTHGEAR_', 'APP_', 'REDIS_', 'EVENTS_', 'WIKI_', 'WIKI_APP_'].map((one) => `DEMO_${one}PORT`)
  const ports = await Promise.all(names.map(freePort))
  const since = performance.now()
  const child = spawn('npm', ['run', 'demo'], {
    cwd: clone, env: { ...ENV, ...Object.fromEntries(names.map((name, i) => [name, String(ports[i])])) }, detached: true
  })
  try {
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { printed += String(text) })
    while (!/^ready:/m.test(printed)) {
      if (child.exitCode !== null || performance.now() - since > READY_MS) throw new Error(`no demo:\n${printed}`)
      await sleep(50)
    }
    const started = seconds(since)
    return `npm run demo ${started}, signed in ${await signIn(`http://localhost:${ports[0]}/`)}`
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGTERM')
  }
}

async function signIn (url: string): Promise<string> {
  const browser = await launchChromium()
  const since = performance.now()
  const page = await browser.newPage()
  await page.goto(url)
  await page.getByRole('button', { name: /^alice/ }).click()
  await page.getByRole('heading', { name: 'Hello' }).waitFor()
  const took = seconds(since)
  await browser.close()
  return took
}

/** The stacks on the programs of this machine, in the clone. */
function https (): void {
  symlinkSync(join(ROOT, '.servers'), join(clone, '.servers'))
  const stdout = outputOf('test/e2e/https.all.test.ts')
  const took = (name: string): string => {
    const [, ms] = new RegExp(`# https: ${name}: (\\d+) ms`).exec(stdout) ?? []
    if (ms === undefined) throw new Error(`nobody signed in at ${name}:\n${stdout.slice(-2000)}`)
    return `certificate, signed in and out ${(Number(ms) / 1000).toFixed(1)} s`
  }
  say('container', took('one container and ten lines of Caddyfile'))
  say('compose', `Traefik: ${took('https.yml')}; Caddy: ${took('https-caddy.yml')}`)
  const second = outputOf('test/e2e/second-app.all.test.ts')
  const [, ms] = /# second app: (\d+) ms/.exec(second) ?? []
  if (ms === undefined) throw new Error(`nobody is in the second app:\n${second.slice(-2000)}`)
  say('second', `a second app and its rule ${(Number(ms) / 1000).toFixed(1)} s, beside what roll.sh waits`)
}

const outputOf = (test: string): string => spawnSync(process.execPath, [test], {
  cwd: clone, env: { ...ENV, CI: '1', TAP_TIMEOUT: '600' }, encoding: 'utf8'
}).stdout

try {
  const begun = performance.now()
  const cloned = run('git', ['clone', '-q', process.env['NEWCOMER_FROM'] ?? ROOT, clone], folder)
  const installed = run('npm', ['ci'], clone)
  const shown = await demo()
  say('demo', `clone ${cloned}, npm ci ${installed}, ${shown}; ${seconds(begun)} in all`)
  run('npm', ['run', 'build'], clone)
  https()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
