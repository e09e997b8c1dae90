import t from 'tap'
import { PROXIES, type ProxyName, templateOf } from '../../../src/commands/snippet/proxies.ts'
import { errorsOf, settingsFor, settingsOf } from './snippet-of.ts'

const HOST = 'dav.example.com'
const RESOURCE = ['--host', HOST, '--resource', `https://${HOST}/dav=/dav`, '--scope', 'read']
const DAV = [...RESOURCE, '--policy', '/dav=basic=on&identity=remote&as=radicale']
const WHOLE = [
  '--host', HOST, '--resource', `https://${HOST}`, '--scope', 'read', '--policy', '/=basic=on&identity=remote&as=radicale'
]

/** The line by which each proxy removes Authorization before the app. */
const REMOVES: Readonly<Record<ProxyName, RegExp>> = {
  traefik: /authResponseHeadersRegex: "[^"]*\|Authorization\)\$"/,
  'traefik-labels': /authResponseHeadersRegex=\S*\|Authorization\)\$\$/,
  caddy: /^\s*import authgear_basic "[^"]*basic=on/m,
  nginx: /^ {6}proxy_set_header Authorization "";/m,
  envoy: /request_headers_to_remove: \[authorization\]/,
  'envoy-prefix': /request_headers_to_remove: \[authorization\]/,
  'envoy-grpc': /request_headers_to_remove: \[authorization\]/,
  haproxy: /http-request del-header authorization if \{ var\(txn\.authgear_url\) -m reg '\[\?&\]basic=on\(&\|\$\)' \}/,
  apisix: /upstream_headers: \[[^\]]*, authorization\]/,
  'envoy-gateway': /requestHeaderModifier: \{ remove: \[Authorization\] \}/,
  'envoy-gateway-grpc': /requestHeaderModifier: \{ remove: \[Authorization\] \}/,
  'traefik-kubernetes': /authResponseHeadersRegex: "[^"]*\|Authorization\)\$"/,
  'gateway-api': /authResponseHeadersRegex: "[^"]*\|Authorization\)\$"/
}

const written = (proxy: ProxyName, args: readonly string[]): string =>
  Object.values(templateOf(proxy)(settingsFor(proxy, ...args))).join('\n')
const times = (text: string, line: RegExp): number => text.match(new RegExp(line, `${line.flags}g`))?.length ?? 0

for (const proxy of PROXIES) {
  t.test(`${proxy} removes Authorization on a route with basic=on, and on no other`, async (t) => {
    t.equal(times(written(proxy, DAV), REMOVES[proxy]), 1, 'a path')
    t.equal(times(written(proxy, WHOLE), REMOVES[proxy]), 1, 'the whole host')
    t.equal(times(written(proxy, RESOURCE), REMOVES[proxy]), 0, 'no such route')
  })
}

t.test('only the resource’s own route has it, and routes below it', async (t) => {
  const { policy, routes } = settingsOf(...DAV, '--policy', '/dav/x=scope=write', '--policy', '/dav=role=a')
  t.equal(policy, '')
  t.strictSame(routes.map((route) => [route.path, route.isOfTokens, route.policy.includes('basic=on')]), [
    ['/dav/x', false, true], ['/dav', true, true], ['/dav', false, false]
  ])
  t.equal(settingsOf(...DAV).routes.length, 1, 'sessions get no route of their own')
})

/** What is wrong, and the words that help. */
const WRONG: ReadonlyArray<readonly [args: readonly string[], says: RegExp]> = [
  [['--policy', '/dav=basic=on'], /basic=on needs a resource: --resource 'https:\/\/…=\/dav' --scope NAME/],
  [['--policy', '/=basic=on'], /--resource 'https:\/\/…' --scope NAME/],
  [[...RESOURCE, '--policy', '/dav=basic=off'], /basic takes on and nothing else/],
  [[...RESOURCE, '--policy', '/dav=as=radicale&identity=remote'], /as= has no effect without basic=on/],
  [[...RESOURCE, '--policy', '/dav=basic=on&as=radicale'], /as= needs a header for the user: add identity=remote/],
  [[...RESOURCE, '--policy', '/dav=basic=on&as=x', '--policy', '/dav=as=y&identity=remote'], /two values of as=/],
  [[...RESOURCE, '--policy', '/dav=basic=on&as=a%20b'], /as has a value that cannot be one/]
]

t.test('what a route lacks is an error that says what to do', async (t) => {
  for (const [args, says] of WRONG) t.match(errorsOf(...args).join('\n'), says, args.join(' '))
  t.strictSame(errorsOf(...RESOURCE, '--identity', 'X-User={user}', '--policy', '/dav=basic=on&as=x'), [])
})
