import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { parseEnv } from 'node:util'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/app/config.ts'
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
const ORIGINS =
  ['http://localhost:8080', 'http://localhost:8000', 'https://app.example.com', 'https://wiki.example.com']
const CLIENT = {
  id: 'web',
  redirectUris: ORIGINS.map((origin) => `${origin}/_auth/callback`),
  postLogoutRedirectUris: ORIGINS.map((origin) => `${origin}/_auth/logged-out`)
}

async function start (t: Test) {
  const { url } = await startSimulator(t, { clients: [CLIENT], hosts: ['127.0.0.1'] })
  return { url, folder: join(tempDir(t, 'init'), 'made') }
}

t.test('six questions, of which an empty line takes the default', async (t) => {
  const { url, folder } = await start(t)
  const { code, said, asked } = await run(['--folder', folder], ['', '', '', url, 'web', '', 'Alice@example.com'])
  t.equal(code, 0, said)
  t.equal(asked, 7)
  t.match(said, /\[caddy\][^]*\[localhost\][^]*\[http:\/\/127\.0\.0\.1:3000\]/)
  t.match(said, /ok {7}Authgear's resolver answers\n[^]*ok {7}Authgear knows the login's client/)
  t.match(said, /\nNext:\n1\. A rule by address.*\n2\. .*caddy run.*\n3\. Open /)
  t.match(read(folder, 'Caddyfile'), 'import authgear.caddy\nimport apps/*.caddy\n')
  t.match(read(folder, 'apps/localhost.caddy'), /http:\/\/localhost:8080[^]*127\.0\.0\.1:3000/)
  const env = parseEnv(read(folder, '.env'))
  t.match(env, { AUTHGEAR_ENDPOINT: url, LOGIN_SESSION: 'own', LOGIN_CLIENT_ID: 'web', LOGIN_SECRET: /^[\w+/]{43}=$/ })
  t.match(env, { ALLOW: 'email=Alice@example.com', IDENTITY_PROFILE: 'email' }, 'only me')
  t.equal(loadConfig(env as NodeJS.ProcessEnv).kind, 'ok', 'the service starts on it')
  t.equal(statSync(join(folder, '.env')).mode & 0o777, 0o600, 'which nobody else may read')
})

t.test('what to register is shown once, before the endpoint and the client are asked for', async (t) => {
  const { url, folder } = await start(t)
  const { said } = await run(['--allow', 'anyone', '--folder', folder], ['', '', '', url, 'web'])
  t.match(said, /localhost:8080\/_auth\/callback .*\n.*\/_auth\/logged-out .*\n[^]*Authgear's endpoint\?[^]*client's id/)
  t.equal(said.split('/_auth/callback').length, 2, said)
  const yes = await run(['--yes', '--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', `${folder}2`])
  t.match(yes.said, /Next:\n1\. In Authgear's portal, in the client web, register\n {3}http:\/\/localhost:8080\/_auth\/callback /)
})

t.test('an app on port 8080 of this machine', async (t) => {
  const { url, folder } = await start(t)
  const yes = ['--yes', '--endpoint', url, '--client', 'web', '--allow', 'anyone', '--app', 'http://127.0.0.1:8080']
  const named = await run([...yes, '--host', 'app.example.com', '--folder', folder])
  t.equal(named.code, 0, named.said)
  t.match(read(folder, 'apps/app.example.com.caddy'), /^app\.example\.com \{[^]*reverse_proxy 127\.0\.0\.1:8080\n/m)
  const local = await run([...yes, '--folder', join(folder, 'local')])
  t.equal(local.code, 0, local.said)
  t.match(local.said, 'http://localhost:8000/_auth/callback', 'the proxy leaves it its port')
  const taken = await run([...yes.slice(0, -1), 'http://127.0.0.1:80', '--host', 'app.example.com', '--folder', folder])
  t.match(taken, { code: 1, said: /--app: .* is where the proxy itself would listen: move it to a port that is not 80/ })
})

t.test('a second host is added to what is there, and the same again changes nothing', async (t) => {
  const { url, folder } = await start(t)
  const first = ['--host', 'app.example.com', '--app', 'http://127.0.0.1:8080', '--folder', folder]
  const whole = [...first, '--yes', '--endpoint', url, '--client', 'web', '--allow', 'email_domain=example.com']
  t.match(await run(whole), { code: 0 })
  const [before, site] = [parseEnv(read(folder, '.env')), read(folder, 'apps/app.example.com.caddy')]
  t.match(await run(whole), { code: 0, said: /\.env in .* are as they would be written/ })
  const second = ['--host', 'wiki.example.com', '--app', 'http://127.0.0.1:8081', '--folder', folder]
  const { code, said, asked } = await run(second, ['', 'y'])
  t.match({ code, asked }, { code: 0, asked: 2 }, said)
  t.match(said, `.env has AUTHGEAR_ENDPOINT=${url}, LOGIN_CLIENT_ID=web, ALLOW=email_domain=example.com: `)
  t.match(said, '\n-LOGIN_PUBLIC_URL=https://app.example.com\n+LOGIN_PUBLIC_URL=https://app.example.com,https://wiki.example.com\n')
  t.match(said, 'https://wiki.example.com/_auth/callback')
  const both = { ...before, LOGIN_PUBLIC_URL: 'https://app.example.com,https://wiki.example.com' }
  t.strictSame(parseEnv(read(folder, '.env')), both)
  t.equal(read(folder, 'apps/app.example.com.caddy'), site)
  t.match(read(folder, 'apps/wiki.example.com.caddy'), /^wiki\.example\.com \{[^]*127\.0\.0\.1:8081\n/m)
  for (const again of [first, second]) t.match(await run([...again, '--yes']), { code: 0, said: /as they would be written/ })
  t.match(await run(['--yes', '--app', 'http://127.0.0.1:8080', '--folder', folder]), { code: 0 }, 'the first is the default')
})

t.test('another host beside the files of nginx is refused, and how to add it is said', async (t) => {
  const { url, folder } = await start(t)
  const yes = ['--yes', '--proxy', 'nginx', '--folder', folder]
  const first = [...yes, '--host', 'app.example.com', '--endpoint', url, '--client', 'web', '--allow', 'anyone']
  t.match(await run(first), { code: 0 })
  const { code, said } = await run([...yes, '--host', 'wiki.example.com'])
  t.match({ code, said }, { code: 1, said: /nginx\.conf is for https:\/\/app\.example\.com, .*snippet nginx --host wiki\.ex/ })
  t.match(read(folder, '.env'), 'LOGIN_PUBLIC_URL=https://app.example.com\n')
})

t.test('ALLOW in a file of its own is left to it', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  writeFileSync(join(folder, 'allow'), 'role=staff')
  writeFileSync(join(folder, '.env'), `AUTHGEAR_ENDPOINT=${url}\nALLOW_FILE=${join(folder, 'allow')}\nLOGIN_CLIENT_ID=web\n`)
  t.match(await run(['--yes', '--force', '--folder', folder]), { code: 0 })
  t.notMatch(read(folder, '.env'), /^ALLOW=/m)
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

t.test('a profile that is there keeps its fields, and no value has quotes', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(folder)
  writeFileSync(join(folder, '.env'), 'IDENTITY_PROFILE=name,username\n')
  const allow = 'email=o\'brien#1@example.com verified=true'
  const args = ['--endpoint', url, '--client', 'web', '--allow', allow, '--folder', folder]
  const { code, said } = await run([...args, '--yes', '--force'])
  t.equal(code, 0, said)
  t.match(parseEnv(read(folder, '.env')), { IDENTITY_PROFILE: 'name,username,email' })
  t.match(read(folder, '.env'), 'ALLOW=email=o%27brien%231@example.com verified=true\n')
  t.strictSame(asDockerReads(read(folder, '.env')), { ...parseEnv(read(folder, '.env')) })
})

/** `docker run --env-file`: all that is behind the first "=". */
const asDockerReads = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(text.trimEnd().split('\n').map((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? [line, '']))

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
  const lines = ['cady', 'caddy', 'https://x', 'localhost', 'x y', '3000', 'grafana', '', 'myapp', url, 'a b', '']
  const { code, said } = await run(['--folder', folder], lines)
  t.equal(code, 0, said)
  for (const what of [
    /"cady" is not one of these: did you mean caddy\?/, /"https:\/\/x" must be the one DNS name/, /"x y" must be http:/,
    /"3000" is a port alone: write http:\/\/127\.0\.0\.1:3000/,
    /is required: your project's address/, /must begin with https?:/, /must be the client id of the application/
  ]) t.match(said, what)
  t.match(read(folder, 'apps/localhost.caddy'), 'grafana:8080')
  t.match(said, '1. Make a client in Authgear\'s portal')
  t.notMatch(read(folder, '.env'), 'LOGIN_')
})

t.test('with --yes nothing is asked, and the environment says what no option does', async (t) => {
  const { url, folder } = await start(t)
  const env = { AUTHGEAR_ENDPOINT: url, LOGIN_CLIENT_ID: 'web', ALLOW: 'anyone' }
  const { code, said, asked } = await run(['--yes', '--proxy', 'nginx', '--folder', folder], undefined, env)
  t.match({ code, asked }, { code: 0, asked: 0 }, said)
  t.match(read(folder, 'nginx.conf'), 'server_name localhost;')
  t.match(await run(['--yes', '--folder', `${folder}2`]), { code: 1, said: /^error: --endpoint: is required: your project's address, shown beside its name in Authgear's portal/ })
})

t.test('an app that the proxy cannot reach so is refused', async (t) => {
  const { url, folder } = await start(t)
  const yes = ['--yes', '--endpoint', url, '--folder', folder]
  const labels = await run([...yes, '--proxy', 'traefik-labels', '--app', 'http://127.0.0.1:3000'])
  t.match(labels, { code: 1, said: /--app: must be the name of a service on the proxy's network, such as http:\/\/app:8080/ })
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
  t.match(await run(['--nope']), { code: 1, said: /^error: there is no option --nope\ninit --help lists the options\n$/ })
  t.match(await run(['--hots', 'x']), { code: 1, said: /^error: there is no option --hots: did you mean --host\?\n/ })
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
  t.match(await run(args, ['', '', '', '', 'y']), { code: 0, said: /wrote authgear\.caddy, Caddyfile, apps\/localhost\.caddy, \.env/ })
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
  const own = '# ours\nMANAGEMENT_TOKEN=hunter2hunter2hunter2\nLISTEN=0.0.0.0:1\nALLOW=role=staff # for now\n'
  writeFileSync(join(folder, '.env'), own)
  writeFileSync(join(folder, 'Caddyfile'), 'mine\n')
  const args = ['--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', folder]
  const yes = await run([...args, '--yes'])
  t.match(yes, { code: 1, said: /--- .*Caddyfile\n\+\+\+ as it would be written\n-mine\n[^]*--force overwrites\n$/ })
  t.match(yes.said, '\n-ALLOW=role=staff\n+ALLOW=anyone\n')
  t.match(yes.said, '+LOGIN_SECRET=…')
  t.notMatch(yes.said, /hunter2|LOGIN_SECRET=[^…]/, 'no secret is shown')
  t.match(await run(args, ['', '', '', 'n']), { code: 1, said: /Overwrite\? \[y\/N\]: $/ })
  t.equal(read(folder, 'Caddyfile'), 'mine\n')
  t.equal(read(folder, '.env'), own)
  t.match(await run(args, ['', '', '', 'y']), { code: 0 })
  const written = read(folder, '.env')
  t.match(written, /^# ours\nMANAGEMENT_TOKEN=(?:hunter2){3}\nLISTEN=0\.0\.0\.0:1\nALLOW=anyone\nAUTHGEAR_/)
  t.match(read(folder, 'authgear.caddy'), '{$FORWARD_AUTH:127.0.0.1:1}', 'where it listens')
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
  t.equal(read(folder, '.env'), `${key} # ours\nLISTEN=127.0.0.1:4180\nMY-VAR="a\nLISTEN=b"\nAUTHGEAR_ENDPOINT=${url}\n`)
})

t.test('a .env that cannot be read is named', async (t) => {
  const { url, folder } = await start(t)
  mkdirSync(join(folder, '.env'), { recursive: true })
  t.match(await run(['--endpoint', url, '--client', 'web', '--allow', 'anyone', '--folder', folder, '--yes']), {
    code: 1, said: /error: .*\.env cannot be read \(EISDIR\)/
  })
})
