import fc from 'fast-check'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { snippet } from '../../../src/commands/snippet.ts'
import { allPolicies, type Files, IDENTITY } from '../../../src/commands/snippet/settings.ts'
import { readOptions } from '../../../src/commands/snippet/options.ts'
import { limitsOf, PROXIES, type ProxyName, templateOf } from '../../../src/commands/snippet/proxies.ts'
import { parsePolicy } from '../../../src/base/core/policy.ts'
import { holds } from '../../helpers/property.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { errorsOf, settingsOf } from './snippet-of.ts'

const DEPLOY = join(import.meta.dirname, '../../../deploy')
const ROUTES = [
  '--policy', '/=anonymous=false', '--policy', '/admin=role=admin', '--policy', '/admin/super=role=owner', '--policy',
  '/a.b=max_age=300'
]

function run (...args: readonly string[]): Readonly<{ code: number, out: string, err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = snippet(args, { write: (text: string) => out.push(text) }, { write: (text: string) => err.push(text) })
  return { code, out: out.join(''), err: err.join('') }
}

t.test('prints the file that it would write', async t => {
  const one = run('caddy')
  t.equal(one.out, readFileSync(join(DEPLOY, 'caddy/Caddyfile'), 'utf8'), 'one file as it is')
  const two = run('haproxy')
  t.match(two.out, /^# ==== haproxy\.cfg ====\n# HAProxy/)
  t.match(two.out, '\n# ==== forward_auth.lua ====\n')
  t.match(run('--help'), { code: 0, out: /^usage: .*snippet PROXY/ })
})

t.test('everything that is wrong is said at once', async t => {
  const { code, out, err } = run(
    'nginy', 'caddy', '--listen', '8080', '--forward-auth', 'forward-auth', '--app', 'https://app', '--host',
    '*.example.com', '--policy', '/admin', '--policy', '/=role=', '--frob', '--constructor', '--login=yes', '--out'
  )
  t.equal(code, 1)
  t.equal(out, '')
  for (const part of [
    '"nginy"', '"caddy"', '--listen "8080" lacks a host', '--forward-auth "forward-auth" must be',
    '--host "*.example.com"', '--policy "/admin": write /path=QUERY',
    '--policy "/=role=": role has a value', 'no option --frob', 'no option --constructor', '--login takes no value',
    '--out needs a value'
  ]) {
    t.match(err, part)
  }
  t.equal(err.match(/^error: /gm)?.length, 11)
  t.match(run().err, 'which proxy? One of traefik, ')
  t.strictSame(errorsOf('--host', 'a.example', '--host', 'b.example'), ['--host is given twice'])
})

t.test('a folder that cannot be written is an error, not a crash', async t => {
  const file = join(tempDir(t, 'snippet'), 'file')
  writeFileSync(file, '')
  t.match(run('caddy', '--out', file), { code: 1, err: /^error: E[A-Z]+: / })
})

t.test('suggests the right name for a typo, with one mark', async t => {
  t.match(run('treafik').err, /"treafik": did you mean traefik\? One of traefik, /)
  t.match(run('apache').err, /"apache"\. One of traefik, /)
  t.match(run('caddy', '--policy', '/admin=role=a&roles=admin').err,
    'roles is not a parameter: did you mean role? (docs/policies.md)')
  t.match(run('caddy', '--policy', '/admin=role=').err, ': role has a value that cannot be one (docs/policies.md)')
})

t.test('an address in a route has few marks, at proxies that were asked for one', async (t) => {
  for (const policy of [
    'role=x&email=a%26b@example.com', 'email_domain=b%C3%BCcher.example', 'email=$%7Bx%7D@example.com',
    "email=o'brien@example.com", 'email=a%25b@example.com', 'email=a%2525@example.com'
  ]) t.match(run('caddy', '--policy', `/a=${policy}`).err, /an address has .* alone: write others into ALLOW/, policy)
  for (const proxy of PROXIES) {
    const { code, out, err } = run(proxy, '--policy', '/a=email=a.b%2Bc%40example.com')
    if (code === 0) t.match(out, 'email=a.b+c@example.com', proxy)
    else t.match(err, `--policy: no test asks ${proxy} for an address: write email= into ALLOW`)
  }
  for (const policy of ['email_domain=example.com,xn--bcher-kva.example', 'group=staff,ops', 'user=a-b']) {
    t.match(run('caddy', '--policy', `/a=${policy}`), { code: 0, out: new RegExp(policy) }, policy)
  }
})

t.test('no other program of this machine may listen where the proxy will', async t => {
  const limits = (...args: readonly string[]): readonly string[] => limitsOf('caddy', settingsOf(...args))
  for (const app of ['127.0.0.1', 'localhost', '[::1]', '127.0.0.2']) {
    t.match(limits('--app', `http://${app}:8080`), [/^--app .*:8080 is where the proxy itself would listen.*0\.0\.0\.0:8000$/], app)
  }
  t.match(limits('--forward-auth', 'http://127.0.0.1:8080'), [/^--forward-auth/])
  t.match(limits('--listen', '10.0.0.1:80', '--app', 'http://10.0.0.1:80'), [/^--app/])
  for (const args of [
    ['--app', 'http://127.0.0.1:3000'], ['--app', 'http://10.0.0.1:8080'], [],
    ['--listen', '10.0.0.1:8080', '--app', 'http://127.0.0.1:8080']
  ]) t.strictSame(limits(...args), [], args.join(' '))
})

t.test('routes: the longest first, each with what those around it ask', async t => {
  const { policy, routes } = settingsOf(...ROUTES, '--policy', '/ADMIN=verified=true')
  t.equal(policy, 'anonymous=false')
  const isOfTokens = false
  t.strictSame(routes, [
    { name: 'app-admin-super', path: '/admin/super', policy: 'anonymous=false&role=admin&verified=true&role=owner' },
    { name: 'app-admin', path: '/admin', policy: 'anonymous=false&role=admin&verified=true' },
    { name: 'app-a-b', path: '/a.b', policy: 'anonymous=false&max_age=300' }
  ].map((route) => ({ ...route, isOfTokens })))
  t.strictSame(
    settingsOf('--policy', '/a-b=role=x', '--policy', '/a/b=role=y', '--policy', '/__=role=z').routes.map(
      ({ name }) => name
    ),
    ['app-a-b', 'app-a-b-2', 'app-route'],
    'names are never shared'
  )
})

t.test('paths that a proxy and an app may read differently are no routes', async t => {
  for (const path of [
    'admin', '', '//admin', '/admin/', '/a/../b', '/.', '/..', '/a//b', '/a%2fb', '/a b', '/a;b', '/a*', '/a?b', '/a#b',
    '/a"b', "/a'b", '/a`b', '/a\\b', '/a{b}', '/a$b', '/a\nb', '/ä', '/.a', '/a.'
  ]) {
    t.equal(errorsOf('--policy', `${path}=role=admin`).length, 1, JSON.stringify(path))
  }
})

t.test('--adapter is the former name of --forward-auth', async t => {
  t.equal(run('caddy', '--adapter', 'http://10.0.0.1:80').out, run('caddy', '--forward-auth', 'http://10.0.0.1:80').out)
  t.strictSame(errorsOf('--adapter', 'http://a:1', '--forward-auth', 'http://b:1'), ['--forward-auth is given twice'])
})

t.test('--forward-auth keeps localhost, which a certificate may name', async t => {
  t.match(run('caddy', '--forward-auth', 'https://localhost:4180').out, 'https://localhost:4180')
})

t.test('refuses a setting that a proxy\'s configuration cannot express', async t => {
  t.match(run('gateway-api', '--forward-auth', 'http://10.0.0.1:80').err, '--forward-auth must be the name of a service')
  for (const proxy of ['apisix', 'envoy-gateway', 'traefik-kubernetes', 'gateway-api']) {
    t.match(
      run(proxy, '--forward-auth', 'https://forward-auth:4180').err, `--forward-auth must be http:// for ${proxy}`
    )
  }
})

/** Every character that some proxy's file gives a meaning to, and some that none does. */
const hostile = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...'\n\r\t"\'`{}[]()<>;#$\\%*?&|=,: /@!~^+\0') },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          'a', 'b', '.', '-', '_', '/', ':', '1', 'admin', '/admin', 'role=admin', 'http://', 'https://',
          'app.example.com', ':80', '[::1]', '%61', '%2C', 'role=%61%3Ab'
        )
      },
      { weight: 1, arbitrary: fc.string({ maxLength: 4 }) }
    ),
    { maxLength: 6 }
  )
  .map((parts) => parts.join(''))

t.test('a hostile value is refused, or adds nothing to a configuration', async t => {
  let accepted = 0
  const arrays = fc.record({
    listen: hostile, adapter: hostile, app: hostile, host: hostile, path: hostile, policy: hostile
  })
  await holds(
    t,
    fc.property(arrays, fc.constantFrom('listen', 'adapter', 'app', 'host', 'path', 'policy'), (values, name) => {
      const value = name === 'adapter' || name === 'app' ? `http://${values[name]}` : values[name]
      const args =
        name === 'path'
          ? ['--policy', `/${value}=role=admin`]
          : name === 'policy'
            ? ['--policy', `/admin=${value}`]
            : [`--${name}`, value]
      const reading = readOptions(['caddy', ...args])
      if (reading.kind !== 'options') return
      accepted++
      const { settings } = reading.options
      for (const text of [settings.listen.text, settings.forwardAuth.origin, settings.app.text]) {
        if (!/^(https?:\/\/)?[\w.-]+:\d+$|^(https?:\/\/)?\[[0-9a-fA-F:.]+\]:\d+$/.test(text)) {
          throw new Error(`an address: ${text}`)
        }
      }
      if (!/^[a-z0-9_.-]+$/.test(settings.host)) throw new Error(`a host: ${settings.host}`)
      for (const { path } of settings.routes) if (!/^(\/[a-z0-9_.-]+)+$/.test(path)) throw new Error(`a path: ${path}`)
      for (const { policy } of allPolicies(settings)) { if (parsePolicy(policy).kind === 'bad' || !/^[\w.:,&=+@-]*$/.test(policy)) throw new Error(`a policy: ${policy}`) }
      const benign = settingsOf(
        ...(settings.routes.length === 1
          ? ['--policy', '/admin=role=admin']
          : settings.policy === '' ? [] : ['--policy', '/=role=admin'])
      )
      for (const proxy of PROXIES) {
        if (limitsOf(proxy, settings).length === 0) {
          sameShape(templateOf(proxy)(settings), templateOf(proxy)(benign), proxy)
        }
      }
    })
  )
  t.ok(accepted > 50, `${accepted} were accepted`)
})

/** Line for line the same, but for the words of the values. */
function sameShape (written: Files, benign: Files, proxy: string): void {
  for (const [name, text] of Object.entries(benign)) {
    const [got, wanted] = [written[name] ?? '', text].map((file) =>
      file.split('\n').map((line) => line.replaceAll('(?:)', '').replaceAll(/[\w.:/=,&?[\]\\-]+/g, 'w').replaceAll(/ +/g, ' '))
    )
    const differs = wanted?.findIndex((line, i) => line !== got?.[i]) ?? -1
    if (got?.length !== wanted?.length || differs !== -1) {
      throw new Error(`${proxy}/${name}, line ${differs + 1}: ${JSON.stringify(written[name]?.split('\n')[differs])}`)
    }
  }
}

t.test('a policy with escapes is written decoded, since "%" has a meaning in some files', async t => {
  const escaped = settingsOf('--policy', '/=role=ops%3Aeu%2C%61dmin', '--policy', '/x=amr=m%66a&max_age=%36')
  const plain = settingsOf('--policy', '/=role=ops:eu,admin', '--policy', '/x=amr=mfa&max_age=6')
  t.strictSame(escaped, plain)
  for (const policy of ['role=a%26verified=true', 'role=a%0ab', 'role=a%22b', 'role=%25', 'role=%2561', 'role=%']) {
    t.match(errorsOf('--policy', `/x=${policy}`), [/role has/], policy)
  }
})

t.test('the lines that protect are in every configuration', async t => {
  const settings = settingsOf(...ROUTES)
  const textOf = (proxy: ProxyName): string =>
    Object.values(templateOf(proxy)(limitsOf(proxy, settings).length === 0 ? settings : settingsOf())).join('\n')
  for (const proxy of PROXIES) {
    const text = textOf(proxy)
    const byPattern = /\(\?i\)\^X-Authgear-|prefix: x-authgear-|"x-authgear-\*"/.test(text)
    // by gRPC forward-auth sets and removes each name itself
    for (const name of proxy.endsWith('grpc') ? [] : IDENTITY) {
      t.ok(byPattern || text.toLowerCase().includes(name.toLowerCase()), `${proxy} copies ${name}`)
    }
    t.match(
      text, /security: (the catch-all|no path and no method here)/, `${proxy} protects what has no route of its own`
    )
    t.notMatch(
      text.replaceAll(/#.*/g, ''),
      /failure_mode_allow: true|allow_degradation: true|failOpen: true|insecure: true|insecureSkipVerify|proxy_ssl_verify off|auth-cache-key|auth_request [^;]*\?/,
      `${proxy} fails closed`
    )
    t.match(text, /# security: |-- security: /, proxy)
  }
  // the others are run, with hostile requests, by test/e2e in `npm test`; Envoy and HAProxy in test:all alone
  const lines: Readonly<Record<Exclude<ProxyName, 'traefik' | 'caddy' | 'nginx'>, readonly string[]>> = {
    'traefik-labels': [
      'aliasheadersstrategy=delete', 'allowencodedslash=false', 'authResponseHeadersRegex=(?i)^(X-Authgear-.*|'
    ],
    'traefik-kubernetes': [
      'aliasheadersstrategy=delete', '--providers.kubernetescrd.safenaming=true', 'allowencodedslash=false',
      'authResponseHeadersRegex: "(?i)^(X-Authgear-.*|'
    ],
    'gateway-api': [
      '--providers.kubernetescrd.safenaming=true', 'aliasheadersstrategy=delete', 'ExtensionRef', '(?i)^/admin'
    ],
    envoy: [
      'failure_mode_allow: false', 'path_override: "/verify?anonymous=false&role=admin"',
      'path_with_escaped_slashes_action: REJECT_REQUEST', 'headers_with_underscores_action: DROP_HEADER',
      '.*authgear.*', 'x-forward-auth-.*', "safe_regex: { regex: '(?i)/admin("
    ],
    'envoy-prefix': [
      'failure_mode_allow: false', 'path_prefix: /ext-authz/~ #', 'name:find("authgear", 1, true)',
      'x%-forward%-auth%-', 'OVERWRITE_IF_EXISTS_OR_ADD'
    ],
    'envoy-grpc': [
      'failure_mode_allow: false',
      'check_settings: { context_extensions: { policy: "anonymous=false&role=admin" } }', 'http2_protocol_options: {}',
      'headers_with_underscores_action: DROP_HEADER', '.*authgear.*', "safe_regex: { regex: '(?i)/admin("
    ],
    haproxy: [
      'pcall(ask_again, txn)', 'http-request deny deny_status 503 unless { var(txn.authgear_allowed) -m bool }',
      'del-header (?i)authgear -m reg', 'del-header x-forward-auth- -m beg', 'normalize-uri path-strip-dotdot full'
    ],
    apisix: ['allow_degradation: false', 'underscores_in_headers: "off"', 'status_on_error: 503'],
    'envoy-gateway': [
      'failOpen: false', 'pathOverride: "/verify?anonymous=false&role=admin"', 'withUnderscoresAction: DropHeader',
      'escapedSlashesAction: RejectRequest', 'kind: Gateway, name: authgear }\n  extAuth:', '(?i)/a\\.b('
    ],
    'envoy-gateway-grpc': [
      'failOpen: false', '{ name: policy, type: Value, value: "anonymous=false&role=admin" }',
      'withUnderscoresAction: DropHeader', 'escapedSlashesAction: RejectRequest'
    ]
  }
  for (const [proxy, texts] of Object.entries(lines) as ReadonlyArray<[ProxyName, readonly string[]]>) {
    for (const line of texts) t.ok(textOf(proxy).includes(line), `${proxy}: ${line}`)
  }
})
