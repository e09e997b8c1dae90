import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { ALICE } from './people.ts'
import type { Edits, Proxy } from './proxy.ts'
import { ALL } from './proxies.ts'
import { readSnippet, swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/proxies/README.md'), 'utf8')

for (const proxy of ALL) {
  t.test(`forward-auth is wholly away, behind ${proxy.server}`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const { port, app } = await startAndStop(t, proxy)
    const person = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'text/html']] })
    const program = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'application/json']] })
    const row = `| ${proxy.column ?? ''} | ${shown(person)} | ${shown(program)} |`
    t.ok(PAGE.includes(row), row)
    t.equal(app.received.length, 0, 'nobody passes')
  })
}

/** The page's own lines for people, where the proxy can have them. */
const PAGES: Readonly<Record<string, Readonly<{ edits: (page: string) => Edits, status: number, retry: boolean }>>> = {
  caddy: {
    status: 503,
    retry: true,
    edits: () => ({
      Caddyfile: (written) =>
        swap(written, /\n\}\n\n# security: any other/, `\n${block('caddy')}}\n\n# security: any other`)
    })
  },
  nginx: {
    status: 503,
    retry: true,
    edits: () => ({
      'nginx.conf': (written) =>
        swap(
          swap(written, /location @authgear_down \{\n( *)internal;\n/, `location @authgear_down {\n      internal;\n${block('nginx', 'choice')}`),
          BEFORE_ROUTES,
          block('nginx', 'page') + BEFORE_ROUTES
        )
    })
  },
  traefik: {
    status: 500,
    retry: false,
    edits: (page) => ({
      'dynamic.yml': (written) =>
        swap(swap(written, '  middlewares:\n', `  middlewares:\n${block('traefik')}`), '  services:\n',
          `  services:\n    away: { loadBalancer: { servers: [{ url: "${page}" }] } }\n`)
          .replaceAll('middlewares: [authgear]', 'middlewares: [away, authgear]')
    })
  },
  envoy: {
    status: 503,
    retry: true,
    edits: () => ({
      'envoy.yaml': (written) => swap(written, '            mappers:\n', `            mappers:\n${block('envoy')}`)
    })
  }
}

const BEFORE_ROUTES = '    # routes and their policies: docs/policies.md\n'

function block (proxy: string, part?: string): string {
  return readSnippet(`proxies/${proxy}.md`, `${proxy}: forward-auth is away${part === undefined ? '' : `, ${part}`}`)
}

for (const proxy of ALL.filter(({ server }) => server in PAGES)) {
  const { edits, status, retry } = PAGES[proxy.server] ?? { edits: () => ({}), status: 0, retry: false }
  t.test(`${proxy.server} has a page for the time without forward-auth`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const { port, app } = await startAndStop(t, { ...proxy, edits: edits(await startPage(t)) })
    const answer = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'text/html']] })
    t.equal(answer.status, status)
    t.match(answer.headers['content-type'], /^text\/html/)
    t.match(answer.body, '<h1>One moment</h1>')
    t.equal('retry-after' in answer.headers, retry)
    t.equal(app.received.length, 0, 'nobody passes')
  })
}

/** The small web server that Traefik's middleware needs. @returns its address */
async function startPage (t: Test): Promise<string> {
  const server = createServer((_, reply) => {
    reply.setHeader('content-type', 'text/html').end('<!doctype html><h1>One moment</h1>')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startAndStop (t: Test, proxy: Proxy) {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  })
  const port = await startProxy(t, proxy, { app: app.port, forwardAuth: [service.port], caFile: tls?.caFile })
  await service.kill()
  return { port, app }
}

/** What somebody sees of it, as the table of docs/proxies/README.md says it. */
function shown ({ status, headers, body }: Answer): string {
  const type = String(headers['content-type'] ?? '').split(';')[0]
  const forms: Readonly<Record<string, string>> = { 'text/html': 'a page', 'application/json': 'JSON' }
  const form = body === '' ? 'nothing' : forms[type ?? ''] ?? 'text'
  return `${status}, ${form}${'retry-after' in headers ? ', `Retry-After`' : ''}`
}
