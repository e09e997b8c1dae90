import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { holds } from '../helpers/property.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE, identityOf, startWorld } from './helpers/world.ts'

/** What a client may claim about its request. */
const CLAIMS = [
  'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Server',
  'X-Forwarded-Uri', 'X-Forwarded-Method', 'X-Forwarded-For', 'Forwarded', 'X-Original-URL', 'X-Original-URI',
  'X-Original-Method', 'X-Original-Host', 'X-Original-For', 'X-Rewrite-URL', 'X-Real-IP', 'X_Forwarded_Host',
  'X_Forwarded_For', 'X.Forwarded.Host', 'X-Auth-Request-Redirect', 'True-Client-IP', 'X-Authgear-User-Id'
]

const linesOf = (raw: readonly string[]): ReadonlyArray<readonly [name: string, value: string]> =>
  raw.flatMap((name, i) => i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : [])

/** The whole of what Authgear is told beside the credentials. */
const TOLD = [
  'host', 'connection', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-for', 'user-agent', 'authorization',
  'cookie', 'traceparent', 'tracestate'
]

advisory(t, 'Traefik CVE-2026-35051, CVE-2026-54764',
  'forwarding headers of the client reached the auth server', async (t) => {
    const { adapter, authgear } = await startWorld(t, {
      CACHE_TTL: '0', CACHE_NEGATIVE_TTL: '0', TRUSTED_PROXIES: 'none'
    })
    const claim = fc.tuple(fc.constantFrom(...CLAIMS),
      fc.constantFrom('evil.example.com', 'gopher', '/admin', '203.0.113.9', '6666', 'for=203.0.113.9'))
    await holds(
      t,
      fc.asyncProperty(fc.array(claim, { minLength: 1, maxLength: 8 }), async (claims) => {
        const { status, headers } = await ask(adapter.port, { path: '/verify', headers: [ALICE, ...claims] })
        if (status !== 200 || headers['x-authgear-user-id'] !== demo.alice.id) return false
        const sent = authgear.counters.lastRawHeaders
        const names = sent.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
        const values = sent.filter((_, i) => i % 2 === 1)
        return names.every((name) => TOLD.includes(name)) && claims.every(([, value]) => !values.includes(value))
      }),
      200
    )
  })

advisory(t, 'oauth2-proxy CVE-2026-40575, CVE-2026-76835, tinyauth GHSA-r27r-rr9v-vv37',
  'X-Forwarded-Uri, or its query, matched a rule that skips the check, and everybody was trusted to send it',
  async (t) => {
    for (const trustedProxies of ['loopback', 'none']) {
      const { verify } = await startWorld(t, { TRUSTED_PROXIES: trustedProxies })
      for (const uri of [
        '/', '/public', '/health', '/static/x.css', '/oauth2/callback', '/.well-known/acme-challenge/x',
        '/admin?x=/public', '/admin?/health', '/admin#/static/x.css', '/admin/public'
      ]) {
        const answer = await verify([
          ['X-Forwarded-Uri', uri],
          ['X-Original-URL', uri],
          ['X-Forwarded-Method', 'OPTIONS']
        ])
        t.equal(answer.status, 401, uri)
        t.same(identityOf(answer), [])
      }
    }
  })

advisory(t, 'oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858',
  'headers spelled with underscores were taken for the real ones', async (t) => {
    const { verify } = await startWorld(t)
    for (const name of [
      'X_Forwarded_Uri', 'X_Forwarded_Proto', 'X_Forwarded_Host', 'X_Forwarded_For', 'X_Forwarded_Prefix',
      'X_Authgear_User_Id', 'X.Authgear.User.Id', 'Author_ization', 'x_forward_auth_policy'
    ]) {
      t.equal((await verify([[name, 'Bearer x']])).status, 401, name)
      t.match(await verify([ALICE, [name, 'spoofed']]),
        { status: 200, headers: { 'x-authgear-user-id': demo.alice.id } }, `${name} beside a session`)
    }
  })

advisory(t, 'Oathkeeper CVE-2026-33494, heimdall GHSA-3q34-rx83-r6mq',
  'a path not normalised, or a forwarded scheme, chose another rule', async (t) => {
    const { adapter, verify } = await startWorld(t)
    for (const path of [
      '/verify/../verify', '/verify/', '//verify', '/%76erify', '/verify;x', '/public/../verify', '/verify%3frole=x',
      '/verify/..;/public'
    ]) {
      t.equal((await ask(adapter.port, { path, headers: [ALICE] })).status, 404, path)
    }
    for (const value of ['http', 'https', 'ws', 'HTTPS', 'https, http', '']) {
      t.equal((await verify([['X-Forwarded-Proto', value]])).status, 401, value)
      t.equal((await verify([['X-Forwarded-Proto', value], ALICE], '?role=nobody')).status, 403, value)
    }
  })

advisory(t, 'authentik CVE-2024-47070', 'an X-Forwarded-For that could not be read skipped the password', async (t) => {
  const values = [
    '',
    ',',
    'unknown',
    '_hidden',
    '1.2.3',
    '999.1.1.1',
    '::ffff:',
    '[::1',
    '::1%eth0',
    '127.0.0.1:80',
    '127.0.0.1, ,',
    '\xff',
    ' ',
    'a'.repeat(8000),
    `${'1.1.1.1,'.repeat(4000)}x`,
    '-1',
    '0x7f.1',
    '127.0.0.1\t'
  ]
  for (const trustedProxies of ['loopback', 'none', '127.0.0.1/32,10.0.0.0/8,2001:db8::/32']) {
    const { verify } = await startWorld(t, { TRUSTED_PROXIES: trustedProxies })
    for (const value of values) {
      t.equal((await verify([['X-Forwarded-For', value]])).status, 401, value.slice(0, 20))
      t.equal((await verify([['X-Forwarded-For', value], ALICE])).status, 200, value.slice(0, 20))
    }
  }
})

advisory(t, 'heimdall CVE-2026-57210 (GHSA-38x9-25wx-7fg2)',
  'text that is no address, or half of a quoted value, was taken for the client\'s address and sent on', async (t) => {
    const { authgear, verify } = await startWorld(t, {
      TRUSTED_PROXIES: 'loopback', CACHE_TTL: '0', CACHE_NEGATIVE_TTL: '0'
    })
    for (const value of [
      'unknown', '_hidden', '203.0.113.9"', '"203.0.113.9', 'for="203.0.113.9, 10.0.0.1"', '203.0.113.9;by=x',
      '203.0.113.9\tx', '<script>', '203.0.113.256', '[2001:db8::1', '2001:db8::1"', '198.51.100.7, "203.0.113.9'
    ]) {
      const named: HeaderLine[] = [
        ['X-Forwarded-For', value], ['Forwarded', `for="${value}";proto=https, for=203.0.113.9`]
      ]
      t.equal((await verify([...named, ALICE])).status, 200, value)
      const lines = linesOf(authgear.counters.lastRawHeaders)
      t.notOk(lines.some(([name]) => name === 'forwarded'), `no Forwarded: ${value}`)
      for (const [, address] of lines.filter(([name]) => name === 'x-forwarded-for')) t.ok(isIP(address), value)
    }
  })

advisory(t, 'naicoi92/forward-auth-redis', 'any path that began with the base path was allowed', async (t) => {
  const { adapter, verify } = await startWorld(t)
  for (const path of ['/verify', '/ext-authz/', '/webhook', '/_auth/login', '/_auth', '/']) {
    t.equal((await verify([['X-Forwarded-Uri', path]])).status, 401, path)
    t.not((await ask(adapter.port, { path: `/ext-authz${path}` })).status, 200, path)
  }
})
