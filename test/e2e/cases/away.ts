import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { listenFree } from '../../helpers/listen-free.ts'
import { ask, type Answer } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE } from '../people.ts'
import type { Edits } from '../proxy.ts'
import { readSnippet, swap } from '../snippets.ts'
import { shipped, type Case } from './case.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/proxies/README.md'), 'utf8')

export const away: readonly Case[] = [
  {
    name: 'forward-auth is down: what people and programs see, as the page says',
    only: shipped,
    async run (t, stack, proxy) {
      const { port, app, link } = await startBefore(t, proxy, await stack.single())
      await link.down()
      const person = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'text/html']] })
      const program = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'application/json']] })
      const row = `| ${proxy.column ?? ''} | ${shown(person)} |`
      t.ok(PAGE.includes(row), row)
      t.equal(shown(program), shown(person), 'a program sees the same')
      t.equal(app.received.length, 0, 'nobody passes')
    }
  },
  {
    name: 'forward-auth is down: a page for people, where the proxy can have one',
    only: (proxy) => shipped(proxy) && proxy.server in PAGES,
    async run (t, stack, proxy) {
      const { edits, status, retry } = PAGES[proxy.server] ?? { edits: () => ({}), status: 0, retry: false }
      const lines = { edits: edits(await startPage(t)) }
      const { port, app, link } = await startBefore(t, proxy, await stack.single(), lines)
      await link.down()
      const answer = await ask(port, { headers: [['Cookie', ALICE.cookie], ['Accept', 'text/html']] })
      t.equal(answer.status, status)
      t.match(answer.headers['content-type'], /^text\/html/)
      t.match(answer.body, '<h1>One moment</h1>')
      t.equal('retry-after' in answer.headers, retry)
      t.equal(app.received.length, 0, 'nobody passes')
    }
  }
]

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

/** The small web server that Traefik's middleware needs. @returns its address */
async function startPage (t: Test): Promise<string> {
  const server = createServer((_, reply) => {
    reply.setHeader('content-type', 'text/html').end('<!doctype html><h1>One moment</h1>')
  })
  return `http://127.0.0.1:${await listenFree(t, server)}`
}

/** The answer, as the table of docs/proxies/README.md says it. */
function shown ({ status, headers, body }: Answer): string {
  const type = String(headers['content-type'] ?? '').split(';')[0]
  const forms: Readonly<Record<string, string>> = { 'text/html': 'a page', 'application/json': 'JSON' }
  const form = body === '' ? 'empty' : forms[type ?? ''] ?? 'text'
  return `${status}, ${form}${'retry-after' in headers ? ', `Retry-After`' : ''}`
}
