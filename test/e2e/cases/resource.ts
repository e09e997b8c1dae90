import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { makeOwnCert } from '../../helpers/own-cert.ts'
import { type Answer, ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { REFUSED_TOKENS } from '../../helpers/token-corpus.ts'
import { machineClaims, personClaims, signed, startIssuer } from '../../helpers/token-issuer.ts'
import { until } from '../../helpers/until.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import type { Proxy } from '../proxy.ts'
import { shipped, type Case } from './case.ts'

const RESOURCE = `https://${HOST}/mcp`
const USER = 'a11ce000-0000-4000-8000-000000000001'
const OPTIONS = [
  '--resource', `${RESOURCE}=/mcp`, '--scope', 'read:orders',
  '--policy', '/admin=role=admin', '--policy', '/mcp-admin=role=admin'
]
/** No part of `/mcp`, though they begin so. */
const SIBLINGS = [
  '/mcpanel/settings', '/mcp-other', '/mcp_x/y', '/mcp.html', '/MCPanel', '/mcp1', '/mcp-admin/users', '/mcp;x',
  '/mcp.', '/mcp%20'
]
/** Newer than the replica, whatever the machine's speed. */
const AHEAD_MS = 4000

async function start (t: Test, proxy: Proxy) {
  const issuer = await startIssuer(t)
  const replica = await startOneReplica(t, {
    AUTHGEAR_ENDPOINT: issuer.url,
    AUTHGEAR_RESOLVER_URL: `${issuer.url}/resolve`,
    RESOURCES: `${RESOURCE}#read:orders`
  }, { grpc: proxy.grpc === true, tls: proxy.tls ? makeOwnCert(t) : undefined })
  const { port, app } = await startBefore(t, proxy, replica, { options: OPTIONS })
  const now = (): number => systemClock.wall() + AHEAD_MS
  const machine = (claims: object = {}): string =>
    signed(machineClaims(issuer.url, now(), { aud: [RESOURCE], ...claims }))
  await until('the keys are there', async () => (await get(port, '/mcp', machine())).status === 200)
  return { issuer, app, port, machine }
}

async function get (port: number, path: string, token?: string, more: readonly HeaderLine[] = []): Promise<Answer> {
  const headers: HeaderLine[] = token === undefined ? [] : [['Authorization', `Bearer ${token}`]]
  return await ask(port, { path, headers: [...headers, ...more] })
}

const SPOOFED: readonly HeaderLine[] = [
  ['X-Authgear-Client-Id', 'evil'],
  ['x-authgear-scope', 'admin'],
  ['X_Authgear_Client_Id', 'evil'],
  ['X.Authgear.Scope', 'admin'],
  ['X-AUTHGEAR-USER-ID', 'evil']
]

export const resource: readonly Case[] = [{
  name: 'resource tokens, with --resource',
  only: (proxy) => shipped(proxy) || proxy.server === 'envoy',
  async run (t, _, proxy) {
    const { issuer, app, port, machine } = await start(t, proxy)

    await t.test('a token with its scope reaches the app with its client and scope', async (t) => {
      t.equal((await get(port, '/mcp/x', machine(), SPOOFED)).status, 200)
      const lines = app.received.at(-1)?.rawHeaders ?? []
      const headers = Object.fromEntries(
        lines.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), lines[i + 1]]] : []))
      )
      t.match(headers, { 'x-authgear-client-id': 'machine', 'x-authgear-scope': 'read:orders' })
      t.notMatch(JSON.stringify(lines), /evil|admin/)
    })

    await t.test('no token of the corpus reaches the app', async (t) => {
      const before = app.received.length
      const wrong: string[] = []
      for (const { name, token } of REFUSED_TOKENS) {
        const text = token(issuer.url, systemClock.wall() + AHEAD_MS)
        const { status } = await get(port, '/mcp', text).catch(() => ({ status: 0 }))
        if (status !== 401 && status !== 403 && status !== 431 && status !== 400) wrong.push(`${name}: ${status}`)
      }
      t.strictSame(wrong, [])
      t.equal(app.received.length, before)
    })

    await t.test('neither endpoint becomes the other, whatever a client sends', async (t) => {
      issuer.resolve({ 'x-authgear-session-valid': 'true', 'x-authgear-user-id': USER })
      const cookie: HeaderLine = ['Cookie', `session=${USER}.abc`]
      const person = signed(personClaims(issuer.url, systemClock.wall() + AHEAD_MS, USER, { aud: [RESOURCE] }))
      const policy: HeaderLine = ['X-Forward-Auth-Policy', `resource=${RESOURCE}`]
      t.equal((await get(port, '/x', undefined, [cookie])).status, 200, 'the session is one')
      const before = app.received.length
      for (const path of ['/mcp', `/mcp?resource=${RESOURCE}`, '/MCP/x', '/mcp/verify', '/mcp?/verify']) {
        t.ok([401, 404].includes((await get(port, path, undefined, [cookie])).status), `a session at ${path}`)
      }
      for (const path of [
        '/', '/admin', '/resource', `/x?resource=${RESOURCE}&scope=read:orders`, '/verify', '/xmcp', ...SIBLINGS
      ]) {
        for (const token of [machine(), person]) {
          for (const lines of [[], [policy]]) {
            t.ok([401, 403, 404].includes((await get(port, path, token, lines)).status), `a token at ${path}`)
          }
        }
      }
      t.equal(app.received.length, before, 'nothing reached the app')
      t.equal((await get(port, '/mcp-other', undefined, [cookie])).status, 200, 'a sibling is the session’s')
      t.equal((await get(port, '/mcp-admin/x', undefined, [cookie])).status, 403, 'and has its own policy')
      issuer.resolve({ 'x-authgear-session-valid': 'false' })
    })

    await t.test('a client finds out alone what it needs', async (t) => {
      const refused = await get(port, '/mcp')
      t.equal(refused.status, 401)
      t.match(refused.headers['www-authenticate'],
        `resource_metadata="https://${HOST}/.well-known/oauth-protected-resource/mcp", scope="read:orders"`)
      const lacking = await get(port, '/mcp', machine({ scope: '' }))
      t.equal(lacking.status, 403)
      t.match(lacking.headers['www-authenticate'], 'error="insufficient_scope"')
      for (const path of ['', '/', '/mcp', '/mcp/']) {
        const { status, headers, body } = await get(port, `/.well-known/oauth-protected-resource${path}`)
        t.match({ status, origin: headers['access-control-allow-origin'] }, { status: 200, origin: '*' }, path)
        t.match(JSON.parse(body), { resource: RESOURCE, authorization_servers: [issuer.url] })
      }
      for (const path of ['/x', '/mcp/x', 'x']) {
        const { status } = await get(port, `/.well-known/oauth-protected-resource${path}`)
        t.ok(status === 401 || status === 404, `${path}: ${status}`)
      }
    })
  }
}]
