import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startBalancer } from '../../helpers/balancer.ts'
import { startEchoApp } from '../../helpers/echo-app.ts'
import { listenFree } from '../../helpers/listen-free.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { ask, type Asked } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { BOB } from '../people.ts'
import { readSnippet, ROUTES, swap } from '../snippets.ts'
import { shippedBy, type Case } from './case.ts'

const REFUSALS = readSnippet('proxies/nginx.md', 'nginx/nginx.conf: refusals as JSON')
const BEFORE = '    # routes and their policies'

const ROUNDS = 10

// What forward-auth shall take for the next request: without the ?role=admin of /admin, which bob does not meet.
const SMUGGLED = 'GET /verify HTTP/1.0' // needs no Host line
const CARRIER: Asked = { path: '/admin', headers: [['X-Padding', `padding ${SMUGGLED}`], ['Cookie', BOB.cookie]] }

export const nginx: readonly Case[] = [
  {
    name: 'it says why it refuses, on the lines of docs/proxies/nginx.md',
    only: shippedBy('nginx'),
    async run (t, stack, proxy) {
      const { authgear } = stack
      const { port, app } = await startBefore(t, proxy, await stack.single(), {
        edits: { 'nginx.conf': written => swap(written, BEFORE, REFUSALS + BEFORE) }, options: [...ROUTES, '--no-login']
      })
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
        (await ask(port, { headers: [['Cookie', 'session=never.seen']] })).status, 503, 'an outage is still an outage'
      )
      authgear.controls.recover()
      t.equal((await ask(port, { ...bob, path: '/page' })).status, 200)
    }
  },
  {
    name: 'configured naively, it sends the Content-Length of the client without its body',
    only: shippedBy('nginx'),
    async run (t) {
      const heads = await recordHeads(t)
      t.match(heads[0], /\r\nContent-Length: 100\r\n/)
      t.ok(heads[0]?.endsWith('\r\n\r\n'), 'nothing came after the head')
      t.match(heads[1], SMUGGLED)
    }
  },
  {
    name: 'configured naively, it cannot be used to slip a request past the policy of a route',
    only: shippedBy('nginx'),
    async run (t, stack) {
      const swallowed = (await recordHeads(t))[1]?.indexOf(SMUGGLED) ?? 0
      const [link, app] = [await startBalancer(t, [(await stack.single()).service.port]), await startEchoApp(t)]
      const port = await startNaive(t, link.port, app.port)
      for (let round = 0; round < ROUNDS; round++) {
        const allowed = await ask(port, {
          method: 'POST', body: 'b'.repeat(swallowed), headers: [['Cookie', BOB.cookie]]
        })
        t.equal(allowed.status, 200)
        t.not((await ask(port, CARRIER)).status, 200)
      }
      t.strictSame(app.received.filter(({ url }) => url === '/admin'), [])
      t.ok(link.connections >= ROUNDS, 'no connection outlives a request that announced a body')
    }
  }
]

/** The heads of two requests to forward-auth on one connection: of a POST with 100 bytes, and of the carrier. */
async function recordHeads (t: Test): Promise<string[]> {
  const heads: string[] = []
  const recorder = createServer(socket => socket.on('error', () => {}).on('data', data => {
    heads.push(data.toString('latin1'))
    socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
  }))
  const port = await startNaive(t, await listenFree(t, recorder), 1)
  await ask(port, { method: 'POST', body: 'b'.repeat(100) })
  await ask(port, CARRIER)
  return heads
}

async function startNaive (t: Test, forwardAuth: number, app: number): Promise<number> {
  const text = readFileSync(join(import.meta.dirname, '../naive-nginx/nginx.conf'), 'utf8')
  return await startNginx(t, text.replace('FORWARD_AUTH', String(forwardAuth)).replaceAll('APP', String(app)))
}
