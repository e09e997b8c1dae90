import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { ALICE } from './people.ts'
import { caddy } from './proxies.ts'
import { startBehindProxyWithoutRedis } from './behind-proxy-without-redis.ts'
import { swap } from './snippets.ts'

// what each route lets in, behind every proxy: cases/policies.ts

t.test('a Caddy route whose policy was forgotten refuses everybody', { skip: skipOrFail('caddy') }, async t => {
  const { port, app } = await startBehindProxyWithoutRedis(
    t,
    {
      ...caddy,
      edits: { Caddyfile: (written) => swap(written, '\t\timport authgear\n', '\t\timport authgear_policy\n') }
    },
    {}
  )
  t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 403)
  t.equal(app.received.length, 0)
})
