import t from 'tap'
import { ask, HOST, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startBehindProxyWithoutRedis } from './behind-proxy-without-redis.ts'
import { ALICE, BOB } from './people.ts'
import type { Edits } from './proxy.ts'
import { envoyPrefix } from './proxies.ts'
import { swap } from './snippets.ts'

const LOGIN = {
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: `https://${HOST}`,
  LOGIN_SECRET: 'a secret of this test, longer than 32 bytes',
  EXT_AUTHZ_POLICY: 'required',
  EXT_AUTHZ_LOCATION: 'request'
}
const NAVIGATION: readonly HeaderLine[] = [
  ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept', 'text/html']
]
const SPOOFED: readonly HeaderLine[] = [
  ['X-Forwarded-Host', `evil.${HOST}`], ['X-Forwarded-Uri', '/evil'], ['X-Forwarded-Method', 'POST']
]

/**
 * Envoy as a gateway with the filter ExternalAuth may use it: the policy in the prefix, and no X-Forwarded-Host or -Uri
 * but the client's own, which pass.
 */
const asGateway = (prefix: string): Edits => ({
  'envoy.yaml': (written) => {
    const bare = swap(written, /^ *- \{ key: x-forwarded-(host|proto|uri), .*\n/gm, '')
    const open = swap(bare, '{ exact: x-forward-auth-policy }]', '{ prefix: x-forwarded- }]')
    return swap(open, 'path_prefix: /ext-authz/~', `path_prefix: ${prefix}`)
  }
})

t.test('ExternalAuth’s request, by a real Envoy in prefix mode', { skip: skipOrFail('envoy') }, async (t) => {
  t.test('holds the policy, and the way back of a login', async (t) => {
    const edits = asGateway('/ext-authz/~role=admin')
    const { port, app } = await startBehindProxyWithoutRedis(t, { ...envoyPrefix, edits }, LOGIN)
    for (const path of ['/page?x=1&y=a%20b', '/', '/~role=none/x', '/x;y?~']) {
      for (const headers of [NAVIGATION, [...NAVIGATION, ...SPOOFED]]) {
        const { status, headers: { location } } = await ask(port, { path, headers })
        t.strictSame([status, location], [302, `https://${HOST}/_auth/login?rd=https://${HOST}${path}`], path)
      }
      t.equal((await ask(port, { path, headers: [['Cookie', BOB.cookie]] })).status, 403, `${path}, Bob`)
      t.equal((await ask(port, { path, headers: [['Cookie', ALICE.cookie]] })).status, 200, `${path}, Alice`)
    }
    t.equal((await ask(port, { method: 'POST', headers: NAVIGATION })).status, 401, 'a form is not sent to log in')
    t.equal(app.received.length, 4)
  })

  t.test('refuses everybody where the segment got lost', async (t) => {
    const edits = asGateway('/ext-authz')
    const { port, app } = await startBehindProxyWithoutRedis(t, { ...envoyPrefix, edits }, LOGIN)
    for (const path of ['/', '/admin', '/x/~/y']) {
      t.equal((await ask(port, { path, headers: [['Cookie', ALICE.cookie]] })).status, 403, path)
    }
    t.equal(app.received.length, 0)
  })
})
