import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import type { Service } from '../helpers/process.ts'
import { type Answer, ask } from '../helpers/request.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import type { Agent, Called } from './mcp/agent.ts'
import {
  block, DOCUMENT, inspector, MANAGEMENT_TOKEN, onHost, OPTIONS, RESOURCE, SDKS, SETTINGS, startWorld, type World
} from './mcp/world.ts'
import { caddy, traefik } from './proxies.ts'

const NEEDS = ['redis-server', 'python-mcp', 'mcp-inspector', 'jq'] as const

t.test('the page’s settings and options are read', async (t) => {
  t.match(SETTINGS, { RESOURCES: `${RESOURCE}#openid,use,admin`, ASSERTION: 'on' })
  t.ok(['--resource', '--policy'].every((word) => OPTIONS.includes(word)))
})

for (const proxy of [traefik, caddy]) {
  t.test(`the page behind ${proxy.snippet}`, { skip: skipOrFail(proxy.server, ...NEEDS) }, async (t) => {
    const world = await startWorld(t, proxy)
    const { port, resumablePort, service, authgear } = world

    t.test('a client without a token is told where to get one, as the page says', async (t) => {
      const { status, headers } = await ask(port, { method: 'POST', path: '/mcp' })
      t.equal(status, 401)
      t.ok(onHost(readPage()).includes(`WWW-Authenticate: ${String(headers['www-authenticate'])}\``))
      for (const path of ['/mcp', '/mcp/', '', '/']) {
        const answer = await ask(port, { path: `/.well-known/oauth-protected-resource${path}` })
        t.match([answer.status, JSON.parse(answer.body)], [
          200, { resource: RESOURCE, authorization_servers: [authgear.url] }
        ], path)
      }
    })

    for (const document of [DOCUMENT, undefined]) {
      const kind = document === undefined ? 'registers itself' : 'is a URL'
      for (const [name, sdk] of Object.entries(SDKS)) {
        t.test(`an agent, by ${name}, that ${kind}`, async (t) => {
          const agent = sdk(t, port, document)
          await useIt(t, agent, port, document)
          await resume(t, sdk(t, resumablePort, document), service)
          await blockIt(t, agent, world)
        })
      }
      t.test(`the inspector, that ${kind}`, async (t) => {
        const agent = inspector(t, port, document)
        const first = await agent.call('/mcp', 'read')
        t.match(first.text, `done for ${demo.alice.id}, ${document ?? 'dcrc_'}`, first.error ?? '')
        t.match((await agent.call('/mcp', 'delete')).text, /^done for .*admin/)
        t.match(scopesOf(first), document === undefined ? /admin/ : /^openid use offline_access$/, 'what it asks for')
      })
    }

    t.test('a server in Python', async (t) => {
      for (const [name, sdk] of Object.entries(SDKS)) {
        const { text, client, error, protocol } = await sdk(t, world.pythonPort).call('/mcp', 'read')
        t.match(text, `done for ${demo.alice.id}, ${client}, openid use`, error ?? '')
        t.equal(protocol, '2026-07-28', name)
      }
    })

    t.test('an agent that is deleted in the portal stops, though its tokens live on', async (t) => {
      const agent = SDKS.TypeScript(t, port)
      const { text, client, token } = await agent.call('/mcp', 'read')
      t.match(text, client)
      authgear.controls.deleteClient(client)
      await until('it is read in the log', async () => await statusOf(port, token) === 401)
    })

    t.test('an agent is refused once its person is purged', async (t) => {
      const { token } = await SDKS.TypeScript(t, port).call('/mcp', 'read')
      t.not(await statusOf(port, token), 401)
      const purge = await fetch(`${service.managementUrl}/revocations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: demo.alice.id })
      })
      t.equal(purge.status, 200)
      t.equal(await statusOf(port, token), 401)
    })
  })
}

t.test('offline_access keeps agents signed in, and lets them step up', {
  skip: skipOrFail('caddy', ...NEEDS)
}, async (t) => {
  const { port } = await startWorld(t, caddy, { RESOURCES: `${RESOURCE}#openid,offline_access,use,admin` })
  for (const [name, sdk] of Object.entries(SDKS)) {
    const agent = sdk(t, port)
    t.equal(scopesOf(await agent.call('/mcp', 'read')), 'openid offline_access use', name)
    const more = await agent.call('/mcp', 'delete')
    t.match(more.text, /^done for .*admin/, more.error ?? '')
  }
})

const readPage = (): string => readFileSync(join(import.meta.dirname, '../../docs/mcp.md'), 'utf8')

/** From nothing to a tool's answer, and to a tool that needs another scope. */
async function useIt (t: Test, agent: Agent, port: number, document: string | undefined): Promise<void> {
  const first = await agent.call('/mcp', 'read')
  t.equal(first.text, `done for ${demo.alice.id}, ${first.client}, ${scopesOf(first)}`, first.error ?? '')
  if (document === undefined) t.match(first.client, /^dcrc_/)
  else t.equal(first.client, document)
  const [refused, metadata] = first.seen
  t.strictSame([refused, metadata], ['POST /mcp 401', 'GET /.well-known/oauth-protected-resource/mcp 200'])
  t.strictSame(scopesOf(first).split(' ').filter((scope) => scope !== 'offline_access'), ['openid', 'use'])
  const { status, headers } = await asking(port, 'delete', first.token)
  t.equal(status, 403)
  const challenge = String(headers['www-authenticate'])
  for (const part of ['error="insufficient_scope"', 'scope="openid use admin"']) {
    t.ok(challenge.includes(part) && readPage().includes(`\`${part}\``), challenge)
  }
  const more = await agent.call('/mcp', 'delete')
  t.match(more.text, /^done for .*admin/, more.error ?? '')
  t.ok(more.seen.includes('POST /mcp 403'), 'it stepped up')
  t.equal(more.client, first.client)
}

const scopesOf = ({ token }: Called): string => {
  const [, claims = ''] = token.split('.')
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as Readonly<{ scope: string }>).scope
}

/** A stream that is cut, and what a server is told by a signature. */
async function resume (t: Test, agent: Agent, { managementUrl }: Service): Promise<void> {
  const { text = '', error, seen, client } = await agent.call('/mcp', 'interrupted')
  t.ok(seen.includes('GET /mcp 200 resumed'), error ?? seen.join(', '))
  const keys = createRemoteJWKSet(new URL(`${managementUrl}/.well-known/forward-auth/jwks.json`), {
    timeoutDuration: 60_000
  })
  const { payload } = await jwtVerify(text, keys, { issuer: SETTINGS['ASSERTION_ISSUER'] ?? '' })
  t.match(payload, { sub: demo.alice.id, client_id: client, scope: /^openid use/ })
}

/** In the middle of its work, while others go on; and what the record says of it. */
async function blockIt (t: Test, agent: Agent, { service, port, record }: World): Promise<void> {
  const other = SDKS.TypeScript(t, port)
  const before = await agent.call('/mcp', 'read')
  t.match(before.text, /^done/)
  const env = {
    PATH: process.env['PATH'] ?? '', MANAGEMENT_TOKEN, MANAGEMENT_URL: service.managementUrl, RECORD: record
  }
  const name = { CLIENT_ID: encodeURIComponent(before.client) }
  const run = (script: string, more: Readonly<Record<string, string>>): string =>
    execFileSync('sh', ['-c', script], { env: { ...env, ...more }, encoding: 'utf8' })
  t.match(JSON.parse(run(block('block'), name)), { status: 'blocked' })
  t.equal(await statusOf(port, before.token), 401)
  const after = await agent.call('/mcp', 'read')
  t.ok(after.error, String(after.text))
  t.strictSame(after.seen.filter((line) => line.startsWith('POST /mcp')).at(-1), 'POST /mcp 401')
  t.not(after.token, before.token, 'its person signed in again, in vain')
  t.match((await other.call('/mcp', 'read')).text, /^done/, 'another agent goes on')
  mustFind('jq')
  await until('the record has it', () => readFileSync(record, 'utf8').includes('client_blocked'))
  const lines = run(block('record'), { CLIENT_ID: before.client })
  for (const what of ['"allowed",', '"refused","insufficient_scope"', '"refused","client_blocked"']) {
    t.match(lines, what)
  }
  t.match(JSON.parse(run(block('block').replace('PUT', 'DELETE'), name)), { status: 'lifted' })
}

async function asking (port: number, tool: string, token: string): Promise<Answer> {
  const headers = [
    ['Authorization', `Bearer ${token}`], ['Accept', 'application/json, text/event-stream'],
    ['MCP-Protocol-Version', '2026-07-28'], ['Mcp-Method', 'tools/call'], ['Mcp-Name', tool]
  ] as const
  return await ask(port, { path: '/mcp', method: 'POST', headers })
}

const statusOf = async (port: number, token: string): Promise<number> => (await asking(port, 'read', token)).status
