import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, isIP } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { cert, type CertSurroundings } from '../../../src/commands/cert.ts'
import { type Host, parseHost } from '../../../src/commands/cert/options.ts'
import {
  decodeNameConstraints, encodeNameConstraints, type KeyPair, newAuthority, newLeaf
} from '../../../src/commands/cert/sign.ts'
import { certificateExpiry } from '../../../src/base/http/tls.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const DAY_MS = 86_400_000
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8')
const mode = (...path: string[]): string => (statSync(join(...path)).mode & 0o777).toString(8)

/** The exit code of `cert` and all that it said. */
async function run (
  args: readonly string[],
  surroundings?: CertSurroundings
): Promise<Readonly<{ code: number, said: string }>> {
  const lines: string[] = []
  const code = await cert(args, { write: text => lines.push(text) }, surroundings)
  return { code, said: lines.join('') }
}

type Dial = Readonly<{ server: KeyPair, ca: string, host: string, client?: KeyPair, mutual?: boolean }>

/** A real handshake over this machine; the error that either side met, or `ok`. */
async function handshake (t: Test, { server, ca, host, client, mutual = false }: Dial): Promise<string> {
  const listener = createServer({
    cert: server.certificate, key: server.key, ...(mutual ? { ca, requestCert: true, rejectUnauthorized: true } : {})
  })
  t.teardown(() => listener.close())
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  return await new Promise(resolve => {
    const done = (socket: TLSSocket | undefined, outcome: unknown): void => {
      socket?.destroy()
      resolve(
        outcome instanceof Error && 'code' in outcome ? `${String(outcome.code)}: ${outcome.message}` : String(outcome)
      )
    }
    listener.on('tlsClientError', error => done(socket, error))
    listener.on('secureConnection', peer => peer.end('ok'))
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: isIP(host) === 0 ? host : '',
      ca,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      checkServerIdentity: (_, certificate) => identity(host, certificate.raw)
    })
    socket.on('data', data => done(socket, data)).on('error', error => done(socket, error))
  })
}

function identity (host: string, der: Buffer): Error | undefined {
  const leaf = new X509Certificate(der)
  const known = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)
  return known === undefined ? Object.assign(new Error('another host'), { code: 'WRONG_HOST' }) : undefined
}

const pair = (directory: string): KeyPair => ({
  certificate: read(directory, 'tls.crt'), key: read(directory, 'tls.key')
})
const dns = (value: string): Host => ({ kind: 'dns', value })
const ip = (value: string): Host => ({ kind: 'ip', value })

t.test('the link works for the hosts asked for, by name and by address', async t => {
  const out = join(tempDir(t, 'cert'), 'tls')
  const { code, said } = await run([
    '--out', out, '--host', 'forward-auth', '--host', 'Forward-Auth.internal', '--host', '127.0.0.1', '--host', '::1'
  ])
  t.equal(code, 0)
  t.match(said, /forward-auth, forward-auth.internal, 127.0.0.1, ::1, valid until \d{4}-\d\d-\d\d/)
  for (const host of ['forward-auth', 'forward-auth.internal', '127.0.0.1', '::1']) {
    t.equal(await handshake(t, { server: pair(out), ca: read(out, 'ca.crt'), host }), 'ok', host)
  }
  t.equal(await handshake(t, { server: pair(out), ca: read(out, 'ca.crt'), host: 'other' }), 'WRONG_HOST: another host')
})

t.test('a stranger does not trust it', async t => {
  const stranger = await newAuthority([dns('forward-auth')], Date.now())
  const authority = await newAuthority([dns('forward-auth')], Date.now())
  const server = await newLeaf(authority, { kind: 'server', hosts: [dns('forward-auth')] }, Date.now())
  t.match(await handshake(t, { server, ca: stranger.certificate, host: 'forward-auth' }), /UNABLE_TO/)
})

const outside: readonly (readonly [permitted: readonly Host[], asked: Host, code: RegExp])[] = [
  [[dns('forward-auth')], dns('bank.example'), /permitted subtree violation/],
  [[dns('forward-auth')], ip('10.0.0.1'), /excluded subtree violation/],
  [[dns('forward-auth')], ip('2001:db8::1'), /excluded subtree violation/],
  [[dns('forward-auth'), ip('10.0.0.1')], ip('10.0.0.2'), /permitted subtree violation/],
  [[ip('10.0.0.1')], ip('2001:db8::1'), /permitted subtree violation/],
  [[ip('10.0.0.1')], dns('bank.example'), /excluded subtree violation/]
]

for (const [permitted, asked, code] of outside) {
  t.test(
    `an authority for ${permitted.map(({ value }) => value).join(', ')} is worth nothing for ${asked.value}`,
    async (t) => {
      const authority = await newAuthority(permitted, Date.now())
      const stolen = await newLeaf(authority, { kind: 'server', hosts: [asked] }, Date.now())
      t.match(await handshake(t, { server: stolen, ca: authority.certificate, host: asked.value }), code)
    }
  )
}

t.test(
  'openssl takes the chain; constraints are critical; no authority is below it',
  { skip: spawnSync('openssl', ['version']).status !== 0 && 'no openssl' },
  async (t) => {
    const out = join(tempDir(t, 'cert'), 'tls')
    await run(['--out', out, '--host', 'forward-auth', '--host', '10.0.0.1'])
    const openssl = (...args: readonly string[]): string =>
      execFileSync('openssl', args, { cwd: out, encoding: 'utf8' })
    t.match(
      openssl(
        'verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'forward-auth', '-CAfile', 'ca.crt',
        'tls.crt'
      ),
      'tls.crt: OK'
    )
    const authority = openssl('x509', '-in', 'ca.crt', '-noout', '-text')
    t.match(
      authority, /Name Constraints: critical\s+Permitted:\s+DNS:forward-auth\s+IP:10\.0\.0\.1\/255\.255\.255\.255/
    )
    t.match(authority, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    t.match(authority, /Key Usage: critical\s+Certificate Sign, CRL Sign/)
    const leaf = openssl('x509', '-in', 'tls.crt', '-noout', '-text')
    t.match(leaf, /TLS Web Server Authentication\n/)
    t.match(leaf, /prime256v1/)
  }
)

t.test("only the client's certificate opens a mutual link", async t => {
  const folder = tempDir(t, 'cert')
  const [out, client] = [join(folder, 'tls'), join(folder, 'proxy')]
  t.equal((await run(['--out', out, '--host', 'forward-auth', '--client', client])).code, 0)
  const link = { server: pair(out), ca: read(client, 'ca.crt'), host: 'forward-auth', mutual: true }
  t.equal(await handshake(t, { ...link, client: pair(client) }), 'ok')
  t.not(await handshake(t, link), 'ok')
  t.not(await handshake(t, { ...link, client: pair(out) }), 'ok')
  t.not(await handshake(t, { ...link, mutual: false, server: pair(client) }), 'ok', 'nor is the client\'s a server\'s')
})

for (const umask of [0o000, 0o077]) {
  t.test(`modes do not depend on the umask ${umask.toString(8)}, and nothing temporary is left`, async t => {
    const folder = tempDir(t, 'cert')
    const before = process.umask(umask)
    t.teardown(() => process.umask(before))
    await run(['--out', join(folder, 'tls'), '--host', 'a'])
    t.strictSame(readdirSync(join(folder, 'tls')).toSorted(), ['ca.crt', 'tls.crt', 'tls.key'])
    t.strictSame(readdirSync(join(folder, 'tls-ca')).toSorted(), ['ca.crt', 'ca.key'])
    t.strictSame(
      [
        mode(folder, 'tls'),
        mode(folder, 'tls', 'tls.crt'),
        mode(folder, 'tls', 'ca.crt'),
        mode(folder, 'tls', 'tls.key')
      ],
      ['755', '644', '644', '600']
    )
    t.strictSame([mode(folder, 'tls-ca'), mode(folder, 'tls-ca', 'ca.key')], ['700', '600'])
  })
}

t.test('keeps the authority: a second certificate is a new one of the same', async (t) => {
  const out = join(tempDir(t, 'cert'), 'tls')
  await run(['--out', out, '--host', 'forward-auth', '--host', '10.0.0.1'])
  const [authority, first] = [read(out, 'ca.crt'), read(out, 'tls.crt')]
  t.equal((await run(['--out', out, '--host', 'replica-1.forward-auth'])).code, 0)
  t.equal(read(out, 'ca.crt'), authority)
  t.not(read(out, 'tls.crt'), first)
  const { code, said } = await run([
    '--out', out, '--host', 'forward-auth', '--host', 'evil-forward-auth', '--host', '10.0.0.2'
  ])
  t.equal(code, 1)
  t.match(
    said,
    /^error: the authority in .*tls-ca may sign for forward-auth, 10\.0\.0\.1 only, not for evil-forward-auth, 10\.0\.0\.2: give another --ca-dir/
  )
  t.notMatch(said, 'usage', 'the command line was right')
})

type Damage = readonly [title: string, damage: (directory: string) => unknown, said: RegExp]
const damages: readonly Damage[] = [
  ['a key that others can read', (directory) => chmodSync(join(directory, 'ca.key'), 0o640), /is readable by others/],
  ['a missing key', (directory) => rmSync(join(directory, 'ca.key')), /lacks ca\.key/],
  ['a missing certificate', (directory) => rmSync(join(directory, 'ca.crt')), /lacks ca\.crt/],
  ['garbage', (directory) => writeFileSync(join(directory, 'ca.crt'), 'hello'), /no readable authority/],
  ['another key',
    async (directory) => writeFileSync(join(directory, 'ca.key'), (await newAuthority([dns('a')], Date.now())).key),
    /do not belong together/],
  [
    "an end within the certificate's life",
    async (directory) => {
      const old = await newAuthority([dns('a')], Date.now() - 3_600 * DAY_MS)
      writeFileSync(join(directory, 'ca.key'), old.key)
      writeFileSync(join(directory, 'ca.crt'), old.certificate)
    },
    /ends on .* GMT/
  ]
]

for (const [title, damage, expected] of damages) {
  t.test(`an authority with ${title} is not used, and the certificate stays as it is`, async t => {
    const out = join(tempDir(t, 'cert'), 'tls')
    await run(['--out', out, '--host', 'a'])
    const before = read(out, 'tls.crt')
    await damage(`${out}-ca`)
    const { code, said } = await run(['--out', out, '--host', 'a'])
    t.equal(code, 1)
    t.match(said, expected)
    t.notMatch(said, 'PRIVATE KEY')
    t.equal(read(out, 'tls.crt'), before)
  })
}

t.test('two that make an authority at the same moment never mix theirs', async t => {
  const folder = tempDir(t, 'cert')
  const args = (name: string): readonly string[] => [
    '--out',
    join(folder, name),
    '--ca-dir',
    join(folder, 'ca'),
    '--host',
    'a'
  ]
  const codes = (await Promise.all([run(args('one')), run(args('two'))])).map(({ code }) => code)
  t.strictSame(codes.toSorted(), [0, 1])
  for (const name of ['one', 'two']) {
    t.equal((await run(args(name))).code, 0)
    t.equal(await handshake(t, { server: pair(join(folder, name)), ca: read(folder, 'ca', 'ca.crt'), host: 'a' }), 'ok')
  }
})

const wrong: readonly (readonly [args: readonly string[], said: RegExp])[] = [
  [[], /--out is required/],
  [['--out', 'x'], /--host is required/],
  [['--out', '', '--host', 'a'], /--out is required/],
  [['--out', 'x', '--host', 'a', '--wach'], /there is no option --wach: did you mean --watch/],
  [['--out', 'x', '--host', 'a', 'b'], /Unexpected argument 'b'/],
  [['--out', 'x', '--host', '*.example.com'], /"\*\.example\.com" is neither/],
  [['--out', 'x', '--host', 'https://a'], /is neither/],
  [['--out', 'x', '--host', 'a:443'], /is neither/],
  [['--out', 'x', '--host', '256.1.1.1'], /is neither/],
  [['--out', 'x', '--host', 'a', '--ca-dir', 'x'], /--ca-dir must lie outside --out/],
  [['--out', 'x', '--host', 'a', '--ca-dir', 'x/ca'], /--ca-dir must lie outside --out/],
  [['--out', '/', '--host', 'a', '--ca-dir', '/ca'], /--ca-dir must lie outside --out/],
  [['--out', 'x', '--host', 'a', '--client', 'x/client'], /--client must lie outside --out/]
]

for (const [args, expected] of wrong) {
  t.test(`cert ${args.join(' ')} explains itself`, async t => {
    const { code, said } = await run(args)
    t.equal(code, 1)
    t.match(said, expected)
    t.match(said, 'usage: authgear-forward-auth cert')
    t.notOk(existsSync('x'))
  })
}

t.test('--help exits with 0', async t => {
  const { code, said } = await run(['--help'])
  t.equal(code, 0)
  t.match(said, /^usage:/)
})

t.test('a directory that cannot be made is an error with its path', async t => {
  const folder = tempDir(t, 'cert')
  writeFileSync(join(folder, 'file'), '')
  const { code, said } = await run([
    '--out',
    join(folder, 'file', 'tls'),
    '--host',
    'a',
    '--ca-dir',
    join(folder, 'ca')
  ])
  t.equal(code, 1)
  t.match(said, /^error: ENOTDIR.*file/)
})

const hosts: readonly (readonly [text: string, host: Host | undefined])[] = [
  ['Forward_Auth.Svc', dns('forward_auth.svc')],
  ['[::1]', ip('::1')],
  ['2001:DB8:0:0::1', ip('2001:db8::1')],
  ['::ffff:10.0.0.1', ip('::ffff:a00:1')],
  ['10.0.0.1', ip('10.0.0.1')],
  ['fe80::1%eth0', undefined],
  ['a.', undefined],
  ['-a', undefined],
  ['', undefined],
  ['a b', undefined],
  [`${'a'.repeat(64)}.b`, undefined],
  [`${'a.'.repeat(127)}a`, undefined]
]

for (const [text, host] of hosts) {
  t.test(`host ${JSON.stringify(text)}`, async t => { t.strictSame(parseHost(text), host) })
}

t.test('constraints come back as they were written', async t => {
  const all = [dns('a.example'), ip('10.0.0.1'), ip('::1'), ip('::ffff:a00:1')]
  t.strictSame(decodeNameConstraints(encodeNameConstraints(all)), all)
})

/** A clock that moves by each sleep, and acts before it is slept on. */
function timeline (start: number, days: number, before: (day: number) => void): CertSurroundings {
  let now = start
  return {
    now: () => now,
    sleep: async ms => {
      now += ms
      before((now - start) / DAY_MS)
      if (now > start + days * DAY_MS) process.emit('SIGTERM')
    }
  }
}

t.test('--watch renews at a third left, survives a failed renewal, ends 0 on SIGTERM', async t => {
  const folder = tempDir(t, 'cert')
  const [out, ca] = [join(folder, 'tls'), join(folder, 'ca')]
  const start = Date.now()
  const seen = new Map<string, number>()
  const surroundings = timeline(start, 130, day => {
    if (!seen.has(read(out, 'tls.crt'))) seen.set(read(out, 'tls.crt'), day)
    chmodSync(join(ca, 'ca.key'), day > 119 && day < 121 ? 0o644 : 0o600)
  })
  const listeners = process.listenerCount('SIGTERM')
  const { code, said } = await run(['--out', out, '--host', 'a', '--ca-dir', ca, '--watch'], surroundings)
  t.equal(code, 0)
  t.equal(process.listenerCount('SIGTERM'), listeners, 'its listeners are gone')
  t.strictSame([...seen.values()].map(Math.floor), [0, 60, 121])
  t.match(said, /renewed: valid until/)
  t.match(said, /error: not renewed, valid until .*: .*ca\.key is readable by others/)
  t.ok(certificateExpiry(read(out, 'tls.crt')) > start + 200 * DAY_MS)
})

t.test('a running --watch ends at once on SIGTERM', async t => {
  const out = join(tempDir(t, 'cert'), 'tls')
  const ended = run(['--out', out, '--host', 'a', '--watch'])
  while (!existsSync(join(out, 'tls.crt')) || process.listenerCount('SIGTERM') === 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  process.emit('SIGTERM')
  t.equal((await ended).code, 0)
})

t.test('the expiry is the leaf\'s, 90 days ahead', async t => {
  const now = Date.UTC(2026, 0, 1)
  const authority = await newAuthority([dns('a')], now)
  const leaf = await newLeaf(authority, { kind: 'server', hosts: [dns('a')] }, now)
  t.equal(certificateExpiry(leaf.certificate + authority.certificate), now + 90 * DAY_MS)
  t.throws(() => certificateExpiry('hello'))
})

t.test('a reader never sees half a file', async t => {
  const out = join(tempDir(t, 'cert'), 'tls')
  mkdirSync(out)
  await run(['--out', out, '--host', 'a'])
  const inode = statSync(join(out, 'tls.key')).ino
  await run(['--out', out, '--host', 'a'])
  t.not(statSync(join(out, 'tls.key')).ino, inode, 'replaced by another file, not written over')
})
