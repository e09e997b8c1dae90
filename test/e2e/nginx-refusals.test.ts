import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { BOB } from './people.ts'
import type { Proxy } from './proxy.ts'
import { nginx } from './proxies.ts'
import { startBehindProxyWithoutRedis } from './behind-proxy-without-redis.ts'
import { readSnippet, ROUTES, swap } from './snippets.ts'

const REFUSALS = readSnippet('proxies/nginx.md', 'nginx/nginx.conf: refusals as JSON')
const BEFORE = '    # routes and their policies'

const speaking: Proxy = { ...nginx, edits: { 'nginx.conf': written => swap(written, BEFORE, REFUSALS + BEFORE) } }

t.test('nginx says why it refuses, on the lines of docs/proxies/nginx.md', { skip: skipOrFail('nginx') }, async t => {
  const { port, app, authgear } = await startBehindProxyWithoutRedis(
    t,
    speaking,
    { CACHE_TTL: '10m', CACHE_NEGATIVE_TTL: '10m' },
    ROUTES
  )
  const stranger = { path: '/page', headers: [] }
  const invalid = { path: '/page', headers: [['Cookie', 'session=mallory']] } as const
  const bob = { path: '/admin', headers: [['Cookie', BOB.cookie]] } as const

  for (const [asked, status, reason] of [
    [stranger, 401, 'no_credentials'],
    [invalid, 401, 'invalid_session'],
    [bob, 403, 'forbidden']
  ] as const) {
    for (const method of ['GET', 'POST']) {
      const answer = await ask(port, { ...asked, method, body: method === 'POST' ? 'a body' : '' })
      t.equal(answer.status, status)
      t.strictSame(JSON.parse(answer.body), { error: reason })
      t.match(answer.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' })
      if (status === 401) t.match(answer.headers['www-authenticate'], /^Bearer realm="[^"]+"$/, 'one challenge')
      else t.notOk('www-authenticate' in answer.headers)
    }
  }
  t.equal(app.received.length, 0)

  authgear.controls.fail('error')
  t.equal(
    (await ask(port, { headers: [['Cookie', 'session=never.seen']] })).status,
    503,
    'an outage is still an outage'
  )
  authgear.controls.recover()
  t.equal((await ask(port, { ...bob, path: '/page' })).status, 200)
})
