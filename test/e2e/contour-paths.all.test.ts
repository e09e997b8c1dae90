import t from 'tap'
import { readOptions } from '../../src/commands/snippet/options.ts'
import { PROXIES, templateOf } from '../../src/commands/snippet/proxies.ts'
import { startEchoApp } from '../helpers/echo-app.ts'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { ALICE, BOB } from './people.ts'
import { envoyGrpc } from './proxies.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute'

/** Of contour.yaml: the expression that refuses, and that of a route with a policy. */
function expressions (): readonly string[] {
  const reading = readOptions(['contour', '--policy', '/admin=role=admin'], PROXIES)
  if (reading.kind !== 'options') throw new Error(JSON.stringify(reading))
  const [text = ''] = Object.values(templateOf('contour')(reading.options.settings))
  return [...text.matchAll(/regex: '([^']*)'/g)].map(([, expression = '']) => expression)
}

const routes = ([refused = '', admin = '']: readonly string[]): string => `\
              - match: { safe_regex: { regex: '${refused}' } }
                direct_response: { status: 400 }
                typed_per_filter_config: { envoy.filters.http.ext_authz: { "@type": ${TYPE}, disabled: true } }
              - match: { safe_regex: { regex: '${admin}' } }
                route: { cluster: app }
                typed_per_filter_config:
                  envoy.filters.http.ext_authz: { "@type": ${TYPE}, check_settings: { context_extensions: { policy: role=admin } } }
`

/** Contour's own settings: paths are cleaned, slashes merged, and encoded slashes kept as they are (contour#7694). */
function asContour (written: string): string {
  const clean = swap(written, 'normalize_path: false', 'normalize_path: true')
  const kept = swap(clean, 'path_with_escaped_slashes_action: REJECT_REQUEST', '')
  return swap(kept, /(?<= {14}routes:\n)[^]*?(?= {14}# CORS)/, routes(expressions()))
}

/** What many apps read as /admin. */
const ADMIN = [
  '/admin', '/ADMIN', '/%61dmin', '//admin', '/\\admin', '/./admin', '/x/../admin', '/x/%2e%2e/admin', '/;/admin',
  '/x/..;/admin', '/x/%2e%2e%3b/admin', '/%2fadmin', '/x/..%2fadmin', '/x%2f..%2fadmin', '/x/%2E%2E%2Fadmin',
  '/%5cadmin', '/x/..%5Cadmin', '/admin%2fx'
] as const

t.test('as Contour sets Envoy up, no spelling of a path loses its policy', { skip: skipOrFail('envoy') }, async (t) => {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url }, { grpc: true })
  const port = await startProxy(t, { ...envoyGrpc, edits: { 'envoy.yaml': asContour } }, {
    app: app.port, forwardAuth: [service.port], grpc: service.grpcPort
  })
  t.equal((await ask(port, { headers: [['Cookie', BOB.cookie]], path: '/page' })).status, 200, 'a session is enough')
  t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]], path: '/admin' })).status, 200, 'with the role')
  const before = app.received.length
  for (const path of ADMIN) {
    const { status } = await ask(port, { headers: [['Cookie', BOB.cookie]], path })
    t.ok([400, 403].includes(status), `${path} without the role: ${status}`)
  }
  t.strictSame(app.received.slice(before).map(({ url }) => url), [], 'nothing reached the app')
})
