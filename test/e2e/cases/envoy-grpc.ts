import { readOptions } from '../../../src/commands/snippet/options.ts'
import { PROXIES, templateOf } from '../../../src/commands/snippet/proxies.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE, BOB } from '../people.ts'
import type { Proxy } from '../proxy.ts'
import { swap } from '../snippets.ts'
import type { Case } from './case.ts'

const byGrpc = ({ grpc }: Proxy): boolean => grpc === true

/** As Contour sets Envoy up: nothing is stripped, underscores pass, and forward-auth is shown every header. */
function bare (written: string): string {
  const shown = swap(written, / +allowed_headers: .*\n/, '')
  const unstripped = swap(shown, / {10}- name: strip\n[^]*?(?= {10}- name: envoy[.]filters[.]http[.]ext_authz\n)/, '')
  return swap(unstripped, 'headers_with_underscores_action: DROP_HEADER', 'headers_with_underscores_action: ALLOW')
}

const WAYS: Readonly<Record<string, (written: string) => string>> = {
  'each line by itself': bare,
  'lines of one name joined': (written) => swap(bare(written), 'encode_raw_headers: true', 'encode_raw_headers: false')
}

const FORGED: readonly HeaderLine[] = [
  'X-Authgear-User-Id', 'x-authgear-user-id', 'X_Authgear_User_Id', 'X-Authgear_User-Id', 'x.authgear.user.id',
  'x~authgear-user-id', "x'authgear'user'id", 'X-Authgear-User-Roles', 'X_AUTHGEAR_USER_ROLES', 'x-authgear-new',
  'Remote-User', 'remote_user', 'X-Forwarded-User', 'X_Forwarded_Email', 'X-Forward-Auth-Assertion',
  'X_Forward_Auth_Assertion'
].flatMap((name): HeaderLine[] => [[name, 'forged'], [name, 'forged-too']])

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

export const envoyGrpc: readonly Case[] = [
  ...Object.entries(WAYS).map(([name, edit]): Case => ({
    name: `a bare Envoy lets no forged identity through: ${name}`,
    only: byGrpc,
    async run (t, stack, proxy) {
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits: { 'envoy.yaml': edit } })
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie], ...FORGED] })).status, 200)
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
      t.strictSame(app.received.at(-1)?.rawHeaders.filter((text) => text.startsWith('forged')), [])
    }
  })),
  {
    name: 'an Envoy that fails open lets nobody in',
    only: byGrpc,
    async run (t, stack, proxy) {
      const edits = {
        'envoy.yaml': (written: string) => swap(written, 'failure_mode_allow: false', 'failure_mode_allow: true')
      }
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits })
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
      const before = app.received.length

      stack.authgear.controls.fail('error')
      const answer = await ask(port, { headers: [['Cookie', 'session=never-seen']] })
      t.equal(answer.status, 503, 'while Authgear cannot be asked')
      t.match(JSON.parse(answer.body), { error: 'authgear_unavailable' })
      t.match(answer.headers, { 'retry-after': '2', 'x-forward-auth-reason': 'authgear_unavailable' })
      stack.authgear.controls.recover()

      const long = await ask(port, { headers: [['Cookie', `session=${'x'.repeat(70_000)}`]] })
      t.equal(long.status, 431, 'by a request that is too long')
      t.equal(app.received.length, before, 'nothing reached the app')
    }
  },
  {
    name: 'as Contour sets Envoy up, no spelling of a path loses its policy',
    only: byGrpc,
    async run (t, stack, proxy) {
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits: { 'envoy.yaml': asContour } })
      const statusOf = async ({ cookie }: Readonly<{ cookie: string }>, path: string): Promise<number> =>
        (await ask(port, { headers: [['Cookie', cookie]], path })).status
      t.equal(await statusOf(BOB, '/page'), 200, 'a session is enough')
      t.equal(await statusOf(ALICE, '/admin'), 200, 'with the role')
      const before = app.received.length
      for (const path of ADMIN) {
        const status = await statusOf(BOB, path)
        t.ok([400, 403].includes(status), `${path} without the role: ${status}`)
      }
      t.strictSame(app.received.slice(before).map(({ url }) => url), [], 'nothing reached the app')
    }
  }
]
