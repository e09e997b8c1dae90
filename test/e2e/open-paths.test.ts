import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { AUTHGEAR_HEADERS } from '../helpers/identity.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { type Before, startBefore, startOneReplica } from './one-replica.ts'
import { ALICE, BOB, cookieOf } from './people.ts'
import { caddy, nginx, traefikPlain } from './proxies.ts'
import type { Edits, Proxy } from './proxy.ts'
import { appOf } from './recipes.ts'
import { readSnippet, swap } from './snippets.ts'

/** Who is in the office: the rest of the world has this machine's usual address. */
const OFFICE = '127.0.0.2'
const SPOOFED: readonly HeaderLine[] = AUTHGEAR_HEADERS.flatMap((name): readonly HeaderLine[] =>
  [[name, 'spoofed'], [name.replaceAll('-', '_'), 'spoofed']])
const IN_OFFICE: readonly HeaderLine[] = [
  ['X-Forwarded-For', '192.0.2.7'], ['X-Forwarded-For', OFFICE], ['X-Real-IP', OFFICE], ['Forwarded', `for=${OFFICE}`]
]

const block = (title: string): string => readSnippet('open-paths.md', title).replace('192.0.2.0/24', `${OFFICE}/32`)
const before = (written: string, anchor: string, ...titles: readonly string[]): string =>
  swap(written, anchor, titles.map(block).join('') + anchor)

/** Where the page says that each block goes. */
const RECIPES: ReadonlyArray<readonly [Proxy, (here: (text: string) => string) => Edits]> = [
  [traefikPlain, (here) => ({
    'dynamic.yml': (written) => here(before(
      before(written, '    refuse: { ip', 'traefik: greeting page, middleware'),
      '    # security: what Traefik', 'traefik: open paths', 'traefik: office network', 'traefik: greeting page, router'
    ))
  })],
  [caddy, (here) => ({
    Caddyfile: (written) => {
      const app = appOf(written)
      const paths = before(written, '\t\t# routes and their policies', 'caddy: open paths', 'caddy: greeting page')
      return here(before(paths, '\t\timport authgear_policy ""\n', 'caddy: office network').replaceAll('app:8080', app))
    }
  })],
  [nginx, (here) => ({
    'nginx.conf': (written) => here(before(
      before(written, '    # routes and their policies', 'nginx: open paths', 'nginx: greeting page'),
      '      auth_request /_authgear/app;\n', 'nginx: office network'
    ))
  })]
]

async function start (t: Test, [proxy, editsWith]: typeof RECIPES[number]) {
  const identify = await freePort()
  const replica = await startOneReplica(t, { IDENTIFY_LISTEN: `127.0.0.1:${identify}`, ALLOW: 'role=admin' })
  const edits = editsWith((text) => text.replaceAll('forward-auth:4182', `127.0.0.1:${identify}`))
  const behind = await startBefore(t, proxy, replica, {
    edits, ready: 200, options: ['--policy', '/admin=verified=true']
  })
  return { ...behind, replica }
}

/** @returns the status, and what the app got of it, if anything */
async function open ({ port, app }: Before, path: string, headers: readonly HeaderLine[] = [], from = '127.0.0.1') {
  const seen = app.received.length
  const { status } = await ask(port, { path, headers: [...SPOOFED, ...headers], localAddress: from })
  const isOpen = app.received.length > seen
  const user = isOpen ? app.lastHeader('X-Authgear-User-Id').join() : undefined
  const isSpoofed = isOpen && app.received.at(-1)?.rawHeaders.includes('spoofed') === true
  return { status: isOpen === (status === 200) && !isSpoofed ? status : NaN, user }
}

const NOBODY = { status: 200, user: '' }

for (const recipe of RECIPES) {
  const [proxy] = recipe
  t.test(`${proxy.server} with the recipes of docs/open-paths.md`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const behind = await start(t, recipe)

    await t.test('open paths are open to everybody, and nothing beside them is', async (t) => {
      for (const path of ['/public/x', '/icons/192.png', '/healthz', '/healthz?x=/admin', '/manifest.webmanifest']) {
        t.strictSame(await open(behind, path), NOBODY, path)
        t.strictSame(await open(behind, path, [cookieOf(BOB)]), NOBODY, `${path}, by one whom ALLOW refuses`)
      }
      for (const path of [
        '/publicity', '/x/public/', '/public/../admin', '/public/..;/admin', '/public/%2e%2e/admin',
        '/public/..%2fadmin', '/healthz/x', '/healthz.html', '/healthzx', '/manifest.webmanifest/x',
        '/manifestxwebmanifest', '/iconset', '/page'
      ]) {
        t.ok([400, 401].includes((await open(behind, path)).status), path)
        t.not((await open(behind, path, [cookieOf(BOB)])).status, 200, `${path}, by one whom ALLOW refuses`)
      }
    })

    await t.test('the office gets in without a session, but not where a route has a policy', async (t) => {
      for (const path of ['/page', '/x/y?z']) t.strictSame(await open(behind, path, [], OFFICE), NOBODY, path)
      t.strictSame(await open(behind, '/page', [cookieOf(BOB)], OFFICE), NOBODY, 'the app sees nobody')
      for (const path of ['/admin', '/ADMIN/x', '/public/../admin']) {
        t.ok([400, 401].includes((await open(behind, path, [], OFFICE)).status), `${path} from the office`)
      }
      for (const line of IN_OFFICE) t.equal((await open(behind, '/page', [line])).status, 401, line.join(': '))
      t.equal((await open(behind, '/page', [cookieOf(BOB)])).status, 403, 'elsewhere ALLOW holds')
      t.strictSame(await open(behind, '/page', [cookieOf(ALICE)]), { status: 200, user: ALICE.id })
    })

    await t.test('the greeting page is for everybody, and knows who may enter', async (t) => {
      for (const path of ['/', '/?role=nobody']) {
        t.strictSame(await open(behind, path), NOBODY, path)
        t.strictSame(behind.app.lastHeader('X-Authgear-Session-Valid'), ['false'])
        t.strictSame(await open(behind, path, [cookieOf(ALICE)]), { status: 200, user: ALICE.id })
        t.strictSame(await open(behind, path, [cookieOf(BOB)]), NOBODY, 'one whom ALLOW refuses is nobody')
      }
      for (const path of ['/x', '/index.html', '/_authgear/identify', '/identify']) {
        t.not((await open(behind, path)).status, 200, path)
      }
    })

    await t.test('without forward-auth the greeting page is closed, and open paths stay open', async (t) => {
      await behind.replica.service.kill()
      t.ok((await open(behind, '/')).status >= 500)
      t.ok((await open(behind, '/page')).status >= 500)
      t.strictSame(await open(behind, '/healthz'), NOBODY)
    })
  })
}
