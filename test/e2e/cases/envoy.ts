import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import { ALICE, BOB, LOGIN, NAVIGATION } from '../people.ts'
import type { Edits, Proxy } from '../proxy.ts'
import { swap } from '../snippets.ts'
import type { Case } from './case.ts'

// what a gateway asks that has a prefix for the policy and nothing else

const ENVIRONMENT = { ...LOGIN, EXT_AUTHZ_POLICY: 'required', EXT_AUTHZ_LOCATION: 'request' }
const prefix = ({ snippet }: Proxy): boolean => snippet === 'envoy-prefix'
const SPOOFED: readonly HeaderLine[] = [
  ['X-Forwarded-Host', `evil.${HOST}`], ['X-Forwarded-Uri', '/evil'], ['X-Forwarded-Method', 'POST']
]

/**
 * Envoy as a gateway may use it: the policy in the prefix, and no X-Forwarded-Host or -Uri
 * but the client's own, which pass.
 */
const asGateway = (prefix: string): Edits => ({
  'envoy.yaml': (written) => {
    const bare = swap(written, /^ *- \{ key: x-forwarded-(host|proto|uri), .*\n/gm, '')
    const open = swap(bare, '{ exact: x-forward-auth-policy }]', '{ prefix: x-forwarded- }]')
    return swap(open, 'path_prefix: /ext-authz/~', `path_prefix: ${prefix}`)
  }
})

export const envoy: readonly Case[] = [
  {
    name: 'a request with the policy in its prefix, and the way back of a login',
    only: prefix,
    async run (t, { authgear }, proxy) {
      const replica = await startOneReplica(t, ENVIRONMENT, { authgear })
      const { port, app } = await startBefore(t, proxy, replica, { edits: asGateway('/ext-authz/~role=admin') })
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

      const lost = await startBefore(t, proxy, replica, { edits: asGateway('/ext-authz') })
      for (const path of ['/', '/admin', '/x/~/y']) {
        t.equal((await ask(lost.port, { path, headers: [['Cookie', ALICE.cookie]] })).status, 403, `${path}: no segment`)
      }
      t.equal(lost.app.received.length, 0)
    }
  }
]
