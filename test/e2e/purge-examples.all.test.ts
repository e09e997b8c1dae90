import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ask } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const page = readFileSync(new URL('../../docs/revocation.md', import.meta.url), 'utf8')
const TOKEN = 'a management token of the tests'
const { alice } = demo

/** The fenced block of that title, as a reader copies it. */
function block (title: string): string {
  const found = new RegExp(`^\`\`\`\\w+ title="${title}"\\n([^]*?)^\`\`\``, 'm').exec(page)?.[1]
  if (found === undefined) throw new Error(`docs/revocation.md has no block "${title}"`)
  return found
}

async function start (t: Test, header: readonly [string, string]) {
  const simulator = await startSimulator(t)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    MANAGEMENT_TOKEN: TOKEN,
    CACHE_TTL: '10m' // longer than the example takes to compile
  })
  const source = async (): Promise<unknown> =>
    (await ask(service.port, { path: '/verify', headers: [header] })).headers['x-forward-auth-source']
  t.same([await source(), await source()], ['authgear', 'memory'], 'remembered')
  return { source, env: { ...process.env, MANAGEMENT_URL: service.managementUrl, MANAGEMENT_TOKEN: TOKEN } }
}

t.test('the curl example forgets the user', async (t) => {
  const { source, env } = await start(t, ['Authorization', `Bearer ${alice.accessToken}`])
  await promisify(execFile)('bash', ['-ec', block('purge with curl')], { env })
  t.equal(await source(), 'authgear')
})

t.test('the Node example forgets the session', async (t) => {
  const { source, env } = await start(t, ['Cookie', `session=${alice.cookie}`])
  const file = join(tempDir(t, 'purge'), 'purge.mjs')
  writeFileSync(file, `${block('purge in Node')}\nawait forget(process.argv[2])\n`)
  await promisify(execFile)(process.execPath, [file, `session=${alice.cookie}`], { env })
  t.equal(await source(), 'authgear')
})

t.test('the Go example forgets the token', async (t) => {
  const go = await promisify(execFile)('go', ['version']).then(() => true, () => false)
  if (!go && process.env['CI'] !== undefined) throw new Error('there is no go here')
  if (!go) return await t.test('there is no go here', { skip: true }, () => {})
  const { source, env } = await start(t, ['Authorization', `Bearer ${alice.accessToken}`])
  const file = join(tempDir(t, 'purge'), 'purge.go')
  writeFileSync(file, block('purge in Go'))
  await promisify(execFile)('go', ['run', file, `Bearer ${alice.accessToken}`], {
    env: { ...env, GOFLAGS: '-mod=mod', GO111MODULE: 'off' }
  })
  t.equal(await source(), 'authgear')
})
