import t from 'tap'
import { limitsOf, PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { errorsOf, filesOf, settingsFor, textOf } from './snippet-of.ts'

const PUBLIC = ['--public', '--policy', '/admin=role=admin']

t.test('--public needs an area that is protected, and a proxy that it is written for', async (t) => {
  t.match(errorsOf('--public'), [/^--public protects nothing without --policy/])
  t.match(errorsOf(...PUBLIC, '--policy', '/=role=a'), [/^--public leaves the rest open/])
  t.strictSame(errorsOf(...PUBLIC), [])
  const able = PROXIES.filter((proxy) => limitsOf(proxy, settingsFor(proxy, ...PUBLIC)).length === 0)
  t.strictSame(able, ['traefik', 'traefik-labels', 'caddy', 'nginx'])
})

t.test("the labels' catch-all asks nobody, and takes every name from clients", async (t) => {
  const text = textOf(filesOf('traefik-labels', ...PUBLIC))
  t.match(text, /routers\.app\.middlewares=clean\n/)
  t.match(text, /routers\.app--admin\.middlewares=app--admin\n/)
  t.match(text, /middlewares\.clean\.headers\.customrequestheaders\.X-Authgear-User-Id=\n/)
})
