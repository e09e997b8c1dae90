import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startBehindProxyWithoutRedis } from './behind-proxy-without-redis.ts'
import { BOB } from './people.ts'
import { ALL } from './proxies.ts'

/** What an app sees of a name that has no value, as the README says: an empty header, or none. */
const SEES: Readonly<Record<string, readonly string[]>> = {
  traefik: [''],
  caddy: [],
  nginx: [],
  envoy: [],
  haproxy: ['']
}

for (const proxy of ALL) {
  t.test(`${proxy.snippet}: a name without a value`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const { port, app } = await startBehindProxyWithoutRedis(t, proxy, {})
    const headers = [['Cookie', BOB.cookie], ['X-Authgear-User-Roles', 'admin']] as const
    t.equal((await ask(port, { headers })).status, 200)
    t.strictSame(app.lastHeader('x-authgear-user-roles'), SEES[proxy.snippet], 'Bob has no roles')
    t.strictSame(app.lastHeader('x-authgear-user-id'), [BOB.id])
  })
}
