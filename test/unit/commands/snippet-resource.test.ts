import t from 'tap'
import { PROXIES, type ProxyName, templateOf } from '../../../src/commands/snippet/proxies.ts'
import type { Settings } from '../../../src/commands/snippet/settings.ts'
import { METADATA_PATH } from '../../../src/base/core/protected-resource.ts'
import { errorsOf, settingsOf } from './snippet-of.ts'

const HOST = 'api.example.com'
const ARGS = ['--host', HOST, '--resource', `https://${HOST}/mcp=/mcp`, '--scope', 'a,b', '--scope', 'c', '--login']

const linesOf = (proxy: ProxyName, settings: Settings): readonly string[] =>
  Object.values(templateOf(proxy)(settings)).join('\n').split('\n').filter((line) => !line.trimStart().startsWith('#'))

/** Lines by which a proxy asks whether a request may pass: what stands behind these words is the path it asks for. */
const ASKS = /\/(verify|resource|ext-authz)\b|auth-url|path_?override|path_?prefix: \/[a-z]|forwardauth\.address/i

/** Over gRPC the policy itself says that it is about a resource. */
const BY_GRPC: readonly ProxyName[] = ['envoy-grpc', 'envoy-gateway-grpc']

for (const proxy of BY_GRPC) {
  t.test(`${proxy} gives the resource's path the policy, and its metadata none`, async (t) => {
    const text = linesOf(proxy, settingsOf(...ARGS)).join('\n')
    const policies = [...text.matchAll(/policy: "([^"]+)"|name: policy, type: Value, value: "([^"]+)"/g)]
    const said = policies.map(([, one, other]) => one ?? other)
    t.ok(said.includes(`resource=https://${HOST}/mcp&scope=a,b&scope=c`), 'a route has the policy')
    t.strictSame(said.filter((policy) => policy?.includes('.well-known')), [])
    t.match(text, /well-known\/oauth-protected-resource/, 'its metadata has a route')
  })
}

for (const proxy of PROXIES.filter((name) => !BY_GRPC.includes(name))) {
  t.test(`${proxy} asks /resource for the resource's path, and sends clients to its metadata`, async (t) => {
    const lines = linesOf(proxy, settingsOf(...ARGS))
    const policy = `resource=https://${HOST}/mcp&scope=a,b&scope=c`
    const asking = lines.filter((line) => line.includes(policy))
    t.ok(asking.length > 0, 'a route has the policy')
    for (const line of asking.filter((line) => !/policy"?, value|authgear_resource/.test(line))) {
      t.match(line, '/resource?resource=', line.trim())
    }
    t.ok(lines.some((line) => /[.]?well-known\/oauth-protected-resource/.test(line)), 'its metadata has a route')
  })

  t.test(`${proxy} never asks the metadata, which says 200, whether a request may pass`, async (t) => {
    const asking = linesOf(proxy, settingsOf(...ARGS)).filter((line) => ASKS.test(line) && !/\{ path: \//.test(line))
    t.ok(asking.length > 0)
    const own = asking.filter((line) => !/oauth-protected-resource[^?]*$/.test(line) || /verify|[/]resource[?]/.test(line))
    t.strictSame(own.filter((line) => line.includes('.well-known')), [])
    for (const line of own) t.notMatch(line, METADATA_PATH, line.trim())
  })
}

t.test('every mistake has its sentence', async (t) => {
  const uri = `https://${HOST}`
  const rows: ReadonlyArray<readonly [args: readonly string[], error: RegExp]> = [
    [['--resource', uri, '--scope', 'use,openid'], /needs no --scope openid/],
    [['--resource', uri], /needs --scope NAME: a client without any scope has a valid token too/],
    [['--resource', uri, '--scope', 'none', '--scope', 'a'], /has --scope none beside a scope/],
    [['--scope', 'a', '--resource', uri], /--scope "a" belongs behind the --resource/],
    [['--resource', `http://${HOST}`, '--scope', 'a'], /must begin with https/],
    [['--resource', `${uri}?x=1`, '--scope', 'a'], /must begin with https/],
    [['--resource', 'https://other.example.com', '--scope', 'a'], /is not on --host api\.example\.com/],
    [['--resource', `${uri}=/x/`, '--scope', 'a'], /has a path that may not be one/],
    [['--resource', `${uri}=/x=/y`, '--scope', 'a'], /two paths/],
    [['--resource', uri, '--scope', 'a b'], /must be a scope/],
    [['--resource', uri, '--scope', 'a"'], /must be a scope/]
  ]
  for (const [args, error] of rows) t.match(errorsOf('--host', HOST, ...args).join('\n'), error, args.join(' '))
  t.strictSame(errorsOf('--host', HOST, '--resource', uri, '--scope', 'none'), [])
  t.equal(settingsOf('--host', HOST, '--resource', uri, '--scope', 'none').policy, `resource=${uri}`)
})
