import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { snippet } from '../../src/commands/snippet.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { mustFind, skipOrFail, type ServerName } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const exec = promisify(execFile)
const POLICIES = [
  '--policy', '/=anonymous=false&login=off', '--policy', '/admin=role=a,b:c&role=d', '--policy',
  '/a.b/c-d_e=max_age=300&amr=mfa,otp-1'
]

/** How each says of itself whether it would start on these files; Traefik cannot (e2e starts it). */
const CHECKS: Readonly<Record<string, Readonly<{ server: ServerName, args: readonly string[] }>>> = {
  caddy: { server: 'caddy', args: ['validate', '--config', 'Caddyfile'] },
  nginx: { server: 'nginx', args: ['-t', '-p', '.', '-e', 'stderr', '-c', 'nginx.conf'] },
  envoy: { server: 'envoy', args: ['--mode', 'validate', '-c', 'envoy.yaml'] },
  'envoy-prefix': { server: 'envoy', args: ['--mode', 'validate', '-c', 'envoy.yaml'] },
  'envoy-grpc': { server: 'envoy', args: ['--mode', 'validate', '-c', 'envoy.yaml'] },
  haproxy: { server: 'haproxy', args: ['-c', '-f', 'haproxy.cfg'] }
}

const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'with all options': [...POLICIES, '--login'],
  'over TLS, with all options': ['--forward-auth', 'https://127.0.0.1:4180', ...POLICIES, '--login'],
  'on IPv6': ['--listen', '[::1]:8080', '--forward-auth', 'http://[::1]:4180', '--app', 'http://[::1]:8081']
}

t.test('each proxy accepts what is written for it', async t => {
  const { caFile } = makeOwnCert(t)
  for (const [proxy, { server, args }] of Object.entries(CHECKS)) {
    t.test(proxy, { skip: skipOrFail(server) }, async t => {
      await Promise.all(Object.entries(VARIANTS).map(async ([name, options]) => {
        const folder = write(t, proxy, options, caFile)
        await t.resolves(
          exec(mustFind(server), args, {
            cwd: folder, env: { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
          }),
          name
        )
      }))
    })
  }
})

t.test('the program writes it', async t => {
  const folder = join(tempDir(t, 'program'), 'made')
  const { stdout } = await exec(process.execPath, [MAIN, 'snippet', 'haproxy', '--out', folder])
  t.equal(stdout, `wrote haproxy.cfg, forward_auth.lua to ${folder}\n`)
  t.strictSame(readdirSync(folder), ['forward_auth.lua', 'haproxy.cfg'])
})

t.test('a file that differs is shown and not overwritten, unless --force says so', async (t) => {
  const folder = tempDir(t, 'again')
  const make = (...more: string[]) => {
    const said: string[] = []
    const out = { write: (text: string) => said.push(text) }
    return { code: snippet(['haproxy', '--out', folder, ...more], out, out), said: said.join('') }
  }
  t.equal(make().code, 0)
  t.match(make(), { code: 0, said: /haproxy\.cfg, forward_auth\.lua in .* are as they would be written/ })
  const file = join(folder, 'haproxy.cfg')
  const own = `${readFileSync(file, 'utf8')}# my own line\n`
  writeFileSync(file, own)
  const refused = make('--host', 'other.example.com')
  t.match(refused, { code: 1, said: /\n-.*\^app[^]*\n\+.*\^other/ })
  t.match(refused.said, /error: haproxy\.cfg in .* would be overwritten: nothing was written; --force overwrites/)
  t.equal(readFileSync(file, 'utf8'), own, 'nothing was written')
  t.match(make('--host', 'other.example.com', '--force'), { code: 0, said: /wrote haproxy\.cfg to/ })
  t.notMatch(readFileSync(file, 'utf8'), 'my own line')
})

t.test('the program says what is wrong, and exits 1', async t => {
  await t.rejects(exec(process.execPath, [MAIN, 'snippet', 'caddy', '--host', 'a b', '--policy', '/x=y=z']), {
    code: 1, stdout: '', stderr: /--host "a b".*\n.*--policy "\/x=y=z"/
  })
})

function write (t: Test, proxy: string, options: readonly string[], caFile: string): string {
  const folder = join(tempDir(t, proxy), 'made')
  // names would have to be found
  const local = (name: string, value: string): string[] => options.includes(name) ? [] : [name, value]
  const errors: string[] = []
  const code = snippet(
    [
      proxy, '--out', folder, ...options, ...local('--listen', '127.0.0.1:8080'),
      ...local('--forward-auth', 'http://127.0.0.1:4180'), ...local('--app', 'http://127.0.0.1:8081')
    ],
    { write: () => {} },
    { write: (text: string) => errors.push(text) }
  )
  if (code !== 0) throw new Error(errors.join(''))
  copyFileSync(caFile, join(folder, 'ca.crt'))
  mkdirSync(join(folder, 'logs'))
  return folder
}
