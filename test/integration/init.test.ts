import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { parseEnv } from 'node:util'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/base/config/index.ts'
import { init } from '../../src/commands/init.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'

type Run = Readonly<{ code: number, said: string, asked: number }>

/** @param lines what somebody types; undefined: no terminal */
async function run (args: readonly string[], lines?: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const said: string[] = []
  const out = { write: (text: string) => said.push(text) }
  const stdin = Object.assign(new PassThrough(), { isTTY: lines !== undefined })
  stdin.end((lines ?? []).map((line) => `${line}\n`).join(''))
  const code = await init(args, env, { stdin, out, err: out, program: '/opt/forward-auth/dist/main.js' })
  return { code, said: said.join(''), asked: said.filter((text) => /: $/.test(text)).length }
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')
const client = (port: number) => ({
  id: 'web',
  redirectUris: [`http://localhost:${port}/_auth/callback`],
  postLogoutRedirectUris: [`http://localhost:${port}/_auth/logged-out`]
})

async function start (t: Test) {
  const { url } = await startSimulator(t, { clients: [client(8080)], hosts: ['127.0.0.1'] })
  return { url, folder: join(tempDir(t, 'init'), 'made') }
}

t.test('seven questions, of which an empty line takes the default', async (t) => {
  const { url, folder } = await start(t)
  const { code, said, asked } = await run([], ['', '', '', url, 'web', '', 'Alice@example.com', folder])
  t.equal(code, 0, said)
  t.equal(asked, 8)
  t.match(said, /\[caddy\][^]*\[localhost\][^]*\[http:\/\/127\.0\.0\.1:3000\]/)
  t.match(said, /ok {7}Authgear's resolver answers\n[^]*ok {7}Authgear knows the login's client/)
  t.match(said, /\nNext:\n1\. In Authgear's portal, .*http:\/\/localhost:8080\/_auth\/callback.*\n2\. .*caddy run.*\n3\. Open /)
  t.match(read(folder, 'Caddyfile'), /http:\/\/localhost:8080[^]*127\.0\.0\.1:3000/)
  const env = parseEnv(read(folder, '.env'))
  t.match(env, { AUTHGEAR_ENDPOINT: url, LOGIN_SESSION: 'own', LOGIN_CLIENT_ID: 'web', LOGIN_SECRET: /^[\w+/]{43}=$/ })
  t.match(env, { ALLOW: 'email=Alice@example.com', IDENTITY_PROFILE: 'email' }, 'only me')
  t.equal(loadConfig(env as NodeJS.ProcessEnv).kind, 'ok', 'the service starts on it')
  t.equal(statSync(join(folder, '.env')).mode & 0o777, 0o600, 'which nobody else may read')
})

/** The lines that somebody types for "Who may use it?", and what is written. */
const WHO: ReadonlyArray<readonly [lines: readonly string[], allow: string, profile: string | undefined]> = [
  [['1', 'alice@example.com'], 'email=alice@example.com', 'email'],
  [['2', "a.b+c@example.com, o'brien@example.com"], 'email=a.b+c@example.com,o%27brien@example.com', 'email'],
  [['3', '@bücher.example'], 'email_domain=b%C3%BCcher.example', 'email'],
  [['4', 'staff, ops'], 'role=staff,ops', undefined],
  [['5'], 'anyone', undefined],
  [
    ['6', 'x', '0', '1', 'alice', 'a b@example.com', 'a@b@c', 'a@example.com role=x', ',', 'a@example.com'],
    'email=a@example.com',
    'email'
  ]
]

for (const [lines, allow, profile] of WHO) {
  t.test(`who may use it: ${lines.join(' ')}`, async (t) => {
    const { url, folder } = await start(t)
    const { code, said } = await run(['--endpoint', url, '--client', 'web', '--folder', folder], ['', '', '', ...lines])
    t.equal(code, 0, said)
    const env = parseEnv(read(folder, '.env'))
    t.match(env, { ALLOW: allow })
    t.equal(env['IDENTITY_PROFILE'], profile)
    t.equal(loadConfig(env as NodeJS.ProcessEnv).kind, 'ok')
    t.equal(/weakest way of signing in/.test(said), profile !== undefined)
  })
}

t.test('a profile that is there keeps its fields, and a rule with blanks is quoted', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  writeFileSync(join(folder, '.env'), 'IDENTITY_PROFILE=name,username\n')
  const allow = 'email_domain=example.com verified=true'
  const args = ['--endpoint', url, '--client', 'web', '--allow', allow, '--folder', folder]
  const { code, said } = await run([...args, '--yes', '--force'])
  t.equal(code, 0, said)
  t.match(parseEnv(read(folder, '.env')), { ALLOW: allow, IDENTITY_PROFILE: 'name,username,email' })
  t.match(read(folder, '.env'), `ALLOW="${allow}"\n`)
})

t.test('without a terminal --allow or the environment says who may use it', async (t) => {
  const { url, folder } = await start(t)
  const yes = ['--yes', '--endpoint', url, '--client', 'web', '--folder', folder]
  t.match(await run(yes), { code: 1, said: /^error: --allow: is needed: who may use it, such as email=you@example.com/ })
  t.match(await run([...yes, '--allow', 'role=']), { code: 1, said: /^error: --allow: "role=": role has a value/ })
  t.match(await run(yes, undefined, { ALLOW: 'role=staff' }), { code: 0 })
  t.match(parseEnv(read(folder, '.env')), { ALLOW: 'role=staff' })
})

t.test('a bad answer is asked for again, with what to do', async (t) => {
  const { url, folder } = await start(t)
  const lines = ['cady', 'caddy', 'https://x', 'localhost', 'x y', 'grafana', '', 'myapp', url, 'a b', '', folder]
  const { code, said } = await run([], lines)
  t.equal(code, 0, said)
  for (const what of [
    /"cady" is not one of these: did you mean caddy\?/, /"https:\/\/x" must be the one DNS name/, /"x y" must be http:/,
    /is required: your project's address/, /must begin with https?:/, /must be the client id of the application/
  ]) t.match(said, what)
  t.match(read(folder, 'Caddyfile'), 'grafana:8080')
  t.match(said, '1. Make a client in Authgear\'s portal')
  t.notMatch(read(folder, '.env'), 'LOGIN_')
})

t.test('with --yes nothing is asked, and the environment says what no option does', async (t) => {
  const { url, folder } = await start(t)
  const env = { AUTHGEAR_ENDPOINT: url, LOGIN_CLIENT_ID: 'web', ALLOW: 'anyone' }
  const { code, said, asked } = await run(['--yes', '--proxy', 'nginx', '--folder', folder], undefined, env)
  t.match({ code, asked }, { code: 0, asked: 0 }, said)
  t.match(read(folder, 'nginx.conf'), 'server_name localhost;')
  t.match(await run(['--yes', '--folder', folder]), { code: 1, said: /^error: --endpoint: is required: your project's address, shown beside its name in Authgear's portal/ })
})

t.test('an app that the proxy cannot reach so is refused', async (t) => {
  const { url, folder } = await start(t)
  const yes = ['--yes', '--endpoint', url, '--folder', folder]
  const labels = await run([...yes, '--proxy', 'traefik-labels', '--app', 'http://127.0.0.1:3000'])
  t.match(labels, { code: 1, said: /--app: must be the name of a service on the proxy's network, such as http:\/\/app:8080/ })
  t.match(await run([...yes, '--app', 'http://127.0.0.1:8080']), { code: 1, said: /--app: .* is where the proxy itself/ })
})

t.test('a variable that is there and wrong is said before anything is written', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  writeFileSync(join(folder, '.env'), 'CACHE_TTL=ten\n')
  const { code, said } = await run(['--yes', '--endpoint', url, '--folder', folder])
  t.match({ code, said }, { code: 1, said: /error {4}configuration: CACHE_TTL: / })
})

t.test('without a terminal, with a wrong option, or when the input ends, it says so', async (t) => {
  t.match(await run([]), { code: 1, said: /^error: .* there is no terminal: answer by options, and add --yes\n/ })
  t.match(await run(['--host', 'a b', '--yes']), { code: 1, said: /^error: --host: "a b" must be the one DNS name/ })
  t.match(await run(['--nope']), { code: 1, said: /^error: there is no option --nope\n/ })
  t.match(await run([], ['', '']), { code: 1, said: /error: the input ended before the last question was answered\n$/ })
  t.match(await run(['--help']), { code: 0, said: /^usage: [^]*--app URL .*http:\/\/app:8080 for traefik-labels/ })
})

t.test('where Authgear does not answer, or is none, nothing is written unless it is said', async (t) => {
  const { folder } = await start(t)
  const args = ['--endpoint', 'http://127.0.0.1:1', '--folder', folder]
  const yes = await run([...args, '--yes'])
  t.match(yes, { code: 1, said: /authgear-unreachable: .*\n[^]*nothing was written; --force writes anyway\n$/ })
  t.match(await run(args, ['', '', '', '', 'n']), { code: 1, said: /Write the files anyway\? \[y\/N\]: [^]*nothing was/ })
  t.throws(() => read(folder, '.env'))
  t.match(await run(args, ['', '', '', '', 'y']), { code: 0, said: /wrote Caddyfile, \.env/ })
  t.match(await run([...args, '--yes', '--force']), { code: 0, said: /authgear-unreachable[^]*are as they would be written/ })
})

t.test('a folder that cannot be made is said in the words of the system', async (t) => {
  const { url } = await start(t)
  const file = join(tempDir(t, 'init'), 'file')
  writeFileSync(file, '')
  const { code, said } = await run(['--yes', '--endpoint', url, '--folder', join(file, 'x')])
  t.match({ code, said }, { code: 1, said: /^error: ENOTDIR: .*\/file\/x'$/m })
})

t.test('a client that Authgear does not know is said before anything is written', async (t) => {
  const { url, folder } = await start(t)
  const args = ['--endpoint', url, '--client', 'other', '--allow', 'anyone', '--folder', folder]
  const { code, said } = await run([...args, '--yes'])
  t.match({ code, said }, { code: 1, said: /error {4}login-client: / })
})

t.test('shows and keeps existing files, and overwrites them only on request', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  const own = '# ours\nMANAGEMENT_TOKEN=hunter2hunter2hunter2\nLISTEN=0.0.0.0:1\n'
  writeFileSync(join(folder, '.env'), own)
  writeFileSync(join(folder, 'Caddyfile'), 'mine\n')
  const args = ['--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', folder]
  const yes = await run([...args, '--yes'])
  t.match(yes, { code: 1, said: /--- .*Caddyfile\n\+\+\+ as it would be written\n-mine\n[^]*--force overwrites\n$/ })
  t.match(yes.said, '+LISTEN=…')
  t.notMatch(yes.said, /hunter2|LOGIN_SECRET=[^…]/, 'no secret is shown')
  t.match(await run(args, ['', '', '', 'n']), { code: 1, said: /Overwrite\? \[y\/N\]: $/ })
  t.equal(read(folder, 'Caddyfile'), 'mine\n')
  t.equal(read(folder, '.env'), own)
  t.match(await run(args, ['', '', '', 'y']), { code: 0 })
  const written = read(folder, '.env')
  t.match(written, /^# ours\nMANAGEMENT_TOKEN=(?:hunter2){3}\nAUTHGEAR_/)
  t.equal(written.match(/^LISTEN=/gm)?.length, 1)
  t.equal(statSync(join(folder, '.env')).mode & 0o777, 0o600, 'it holds a secret now')
  t.match(await run(args, ['', '', '']), { code: 0, said: /are as they would be written/ })
  t.equal(read(folder, '.env'), written, 'a second run keeps the secret')
})

t.test('a secret in a file stays the only one', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  writeFileSync(join(folder, 'secret'), 'x'.repeat(44))
  writeFileSync(join(folder, '.env'), `LOGIN_SECRET_FILE=${join(folder, 'secret')}\n`)
  const args = ['--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', folder]
  t.match(await run([...args, '--yes', '--force']), { code: 0 })
  t.notMatch(read(folder, '.env'), /^LOGIN_SECRET=/m)
})

t.test('a value on several lines stays whole beside one that is changed', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  const key = 'KEY="-----BEGIN\nLISTEN=inside\n-----END"'
  writeFileSync(join(folder, '.env'), `${key} # ours\nLISTEN='0.0.0.0:1\nX=2'\r\nMY-VAR="a\nLISTEN=b"\n`)
  t.match(await run(['--endpoint', url, '--client', '', '--folder', folder, '--yes', '--force']), { code: 0 })
  t.equal(read(folder, '.env'), `${key} # ours\nMY-VAR="a\nLISTEN=b"\nAUTHGEAR_ENDPOINT=${url}\nLISTEN=127.0.0.1:4180\n`)
})

t.test('a .env that cannot be read is named', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(join(folder, '.env'), { recursive: true })
  t.match(await run(['--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', folder, '--yes']), {
    code: 1, said: /error: .*\.env cannot be read \(EISDIR\)/
  })
})
