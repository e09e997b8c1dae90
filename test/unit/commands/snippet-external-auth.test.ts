import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { limitsOf } from '../../../src/commands/snippet/proxies.ts'
import { MAX_PATH, prefixOf } from '../../../src/commands/snippet/templates/gateway-api-external-auth.ts'
import { parsePolicy } from '../../../src/core/policy.ts'
import { pathPolicyOf } from '../../../src/http/paths.ts'
import { writtenRules } from '../../helpers/external-auth-gateway.ts'
import { filesOf, settingsFor } from './snippet-of.ts'

const PROXY = 'gateway-api-external-auth'
const CHART = join(import.meta.dirname, '../../../deploy/kubernetes/chart/templates/externalauth.yaml')

t.test('the chart names the same headers as snippet', async (t) => {
  const lists = (text: string): readonly string[] =>
    ['remove', 'allowedHeaders'].map((name) => new RegExp(`${name}: \\[(.*?)\\]`).exec(text)?.[1] ?? name)
  const chart = readFileSync(CHART, 'utf8')
  const [removed = '', allowed = ''] = lists(chart)
  const [ours = '', asked = ''] = lists(filesOf(PROXY)['httproute.yaml'] ?? '')
  t.strictSame(removed.split(', ').toSorted(), ours.split(', ').toSorted())
  t.equal(allowed, asked)
})

t.test('the chart refuses the same paths as snippet', async (t) => {
  const refused = (text: string): string => /RegularExpression, value: '([^{']*?)(?:\(\?:\)|\{\{|')/.exec(text)?.[1] ?? text
  t.equal(refused(readFileSync(CHART, 'utf8')), refused(filesOf(PROXY)['httproute.yaml'] ?? ''))
})

t.test('every rule with a filter names what goes in and what comes out', async (t) => {
  const uri = 'https://app.example.com/mcp'
  const rules = writtenRules('--policy', '/admin=role=admin', '--resource', `${uri}=/mcp`, '--scope', 'a', '--login')
  const filters = rules.flatMap(({ filters = [] }) => filters)
  const asking = filters.flatMap(({ externalAuth }) => externalAuth === undefined ? [] : [externalAuth.http])
  t.equal(asking.length, 5, 'two for each path, one for the catch-all')
  for (const { path, allowedHeaders, allowedResponseHeaders } of asking) {
    t.match(path, /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/, "the CRD's own pattern")
    t.ok(allowedHeaders.includes('Cookie'))
    t.notMatch(allowedHeaders.join(' ').toLowerCase(), /x-forward/)
    t.ok(allowedResponseHeaders.length === 10, 'an empty list would copy everything')
  }
  for (const { requestHeaderModifier: one } of filters) t.ok((one?.remove.length ?? 0) <= 16, 'the CRD’s maxItems')
})

t.test('the prefix is read as the policy that it was made of', async (t) => {
  for (const policy of ['', 'role=a,b&role=c:d', 'max_age=300&amr=mfa', 'resource=https://a.example/mcp&scope=x']) {
    for (const path of ['/', '/x', '/~role=z', '//y', '']) {
      const segment = pathPolicyOf(prefixOf(policy) + path) ?? 'none'
      t.equal(parsePolicy(segment).kind, 'understood', policy + path)
      t.equal(decodeURIComponent(segment), policy, policy + path)
    }
  }
})

t.test('another namespace needs a ReferenceGrant, and TLS a BackendTLSPolicy', async (t) => {
  const kindsOf = (...args: readonly string[]): readonly string[] =>
    [...(filesOf(PROXY, ...args)['backend.yaml'] ?? '').matchAll(/^kind: (.*)$/gm)].map(([, kind = '']) => kind)
  t.strictSame(kindsOf(), [])
  t.strictSame(kindsOf('--forward-auth', 'http://forward-auth.auth:4180', '--app', 'http://app.auth:80'), [])
  t.strictSame(kindsOf('--forward-auth', 'http://forward-auth.auth:4180'), ['ReferenceGrant'])
  t.strictSame(kindsOf('--forward-auth', 'https://forward-auth:4180'), ['BackendTLSPolicy'])
  const far = filesOf(PROXY, '--forward-auth', 'https://forward-auth.auth:4180', '--app', 'http://app.shop:8080')
  t.match(far['backend.yaml'], 'hostname: forward-auth.auth.svc')
  t.match(far['backend.yaml'], 'kind: HTTPRoute, namespace: shop }')
  t.match(far['httproute.yaml'], 'backendRef: { name: forward-auth, namespace: auth, port: 4180 }')
})

t.test('what the filter cannot say is an error', async (t) => {
  const rows: ReadonlyArray<readonly [args: readonly string[], error: RegExp]> = [
    [['--forward-auth', 'http://10.0.0.1:80'], /^--forward-auth must name a Service/],
    [['--app', 'http://app.shop.svc.cluster.local:80'], /^--app must name a Service/],
    [['--policy', `/x=${'role=a&'.repeat(MAX_PATH / 7)}role=b`], /^--policy: the filter's path holds 1024/]
  ]
  for (const [args, error] of rows) t.match(limitsOf(PROXY, settingsFor(PROXY, ...args)).join('\n'), error)
})
