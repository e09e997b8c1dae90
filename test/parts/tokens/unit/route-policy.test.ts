import t from 'tap'
import type { VerifyRequest } from '../../../../src/base/http/types.ts'
import type { FactSource } from '../../../../src/base/identity/profile.ts'
import { createRoutePolicy, type RouteDeps, type RoutePolicy } from '../../../../src/parts/tokens/route-policy.ts'

const API = 'https://api.example.com'
const MCP = 'https://mcp.example.com/mcp'
const resource = (uri: string): string => `resource=${encodeURIComponent(uri)}`
const TO_API = resource(API)
const FACTS = { knows: ['email', 'groups'], knowsOfTokens: ['groups'] } as unknown as FactSource

type Options = Partial<RouteDeps> & Readonly<{
  words?: 'trusted' | 'doubtful'
  endpoint?: 'tokens' | 'tokens or sessions'
  rawHeaders?: readonly string[]
}>

/** @param query undefined: the proxy's headers alone choose */
function routeOf (query: string | undefined, policies: readonly string[] = [], options: Options = {}): RoutePolicy {
  const { words, endpoint, rawHeaders = [], ...more } = options
  const resources = new Map<string, readonly string[]>([[API, []], [MCP, ['openid', 'offline_access']]])
  const policyOf = createRoutePolicy({ resources, isAllowList: false, facts: undefined, ...more }, words, endpoint)
  const proxy = { policies, requestId: undefined, endsInput: false }
  return policyOf({ method: 'POST', rawHeaders, query, proxy } as unknown as VerifyRequest)
}

const whyOf = ({ policy }: RoutePolicy): string => policy.kind === 'bad' ? policy.why : policy.kind
const NOTHING = { resources: [], scopes: [] }

/** A route that allows nobody, and what its operator reads. */
const BAD: ReadonlyArray<readonly [query: string, why: RegExp, options?: Options]> = [
  ['', /^resource= is required/],
  ['role=admin', /^resource= is required/],
  [resource('https://unknown.example.com'), /^resource= is not one of RESOURCES/],
  [`${TO_API}&${resource('https://unknown.example.com')}`, /^resource= is not one of RESOURCES/],
  [resource(`${API}/`), /^resource= is not one of RESOURCES/],
  [`${TO_API}&rolle=x`, /^rolle is not a parameter/],
  [TO_API, /^client= is required by RESOURCE_CLIENTS=allow-list/, { isAllowList: true }],
  [`${TO_API}&scope=read`, /^client= is required/, { isAllowList: true }],
  [`${TO_API}&group=staff`, /^group= needs /],
  [`${TO_API}&email=a@example.com`, /not known of resource tokens/, { facts: FACTS }],
  [`${TO_API}&as=ci`, /^as= has no effect without basic=on/],
  [`${TO_API}&basic=on&as=ci&as=bot`, /^as= has two values/],
  [`${TO_API}&${resource(MCP)}&basic=on`, /^basic=on needs one resource=URI/],
  ['basic=on', /^basic=on needs one resource=URI/],
  [`${TO_API}&basic=on`, /are for machines alone: ask \/resource/, { endpoint: 'tokens or sessions' }],
  [`${TO_API}&as=ci`, /are for machines alone: ask \/resource/, { endpoint: 'tokens or sessions' }]
]

t.test('a route that lacks something or offers too much allows nobody, and says why', async (t) => {
  for (const [query, why, options] of BAD) {
    const route = routeOf(query, [], options)
    t.match(whyOf(route), why, query)
    t.notOk(route.basic, query)
  }
  t.strictSame(routeOf('role=admin').needs, NOTHING)
  t.strictSame(routeOf('rolle=x').needs, NOTHING)
})

t.test('a route with its resource is understood', async (t) => {
  for (const [query, options] of [
    [TO_API],
    [`${TO_API}&${resource(MCP)}`],
    [`${TO_API}&client=ci`, { isAllowList: true }],
    [`${TO_API}&group=staff`, { facts: FACTS }],
    [`${TO_API}&basic=on&as=ci&as=ci`],
    [TO_API, { endpoint: 'tokens or sessions' }]
  ] as ReadonlyArray<readonly [string, Options?]>) t.equal(whyOf(routeOf(query, [], options)), 'understood', query)
})

t.test('a challenge names the scopes of signing in first, each once', async (t) => {
  t.strictSame(routeOf(`${TO_API}&scope=read`).needs, { resources: [API], scopes: ['read'] })
  t.strictSame(routeOf(`${resource(MCP)}&scope=use&scope=openid`).needs, {
    resources: [MCP], scopes: ['openid', 'offline_access', 'use']
  })
  t.strictSame(routeOf(`${TO_API}&${resource(MCP)}`).needs.scopes, [], 'those of the first resource')
})

t.test('Basic is for one resource, its origin and the clients that the route names', async (t) => {
  t.strictSame(routeOf(`${resource(MCP)}&basic=on`).basic, {
    resource: MCP, origin: 'https://mcp.example.com', clients: undefined
  })
  t.strictSame(routeOf(`${TO_API}&basic=on&client=a,b&client=b`).basic?.clients, ['b'])
  t.equal(routeOf(TO_API).basic, undefined)
})

t.test('a header adds to the resource of the query, and never names one for it', async (t) => {
  t.match(whyOf(routeOf('', [TO_API])), /^resource= is required/, 'it may be the client’s')
  t.match(whyOf(routeOf(undefined, [TO_API])), /^resource= is required/)
  t.equal(whyOf(routeOf(TO_API, ['role=admin'])), 'understood')
  t.strictSame(routeOf(TO_API, ['scope=read']).needs, { resources: [API], scopes: ['read'] })
  t.match(whyOf(routeOf(TO_API, ['rolle=x'])), /^rolle is not/)
  t.match(whyOf(routeOf(TO_API, [resource('https://unknown.example.com')])), /not one of RESOURCES/)
  t.match(whyOf(routeOf('basic=on', ['rolle=x'])), /^basic=on needs one/, 'the fault of the query comes first')
})

t.test('where the header chooses, the segment may be the client’s and adds to it', async (t) => {
  const words = 'doubtful'
  t.equal(whyOf(routeOf(undefined, [TO_API], { words })), 'understood')
  t.strictSame(routeOf('scope=read', [TO_API], { words }).needs, { resources: [API], scopes: ['read'] })
  t.match(whyOf(routeOf(undefined, [], { words })), /^resource= is required/)
})

const call = (name: string): readonly string[] =>
  ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/call', 'Mcp-Name', name]

t.test('the call of a tool may need a scope more', async (t) => {
  const query = `${resource(MCP)}&scope=use&tool_scope=delete:admin,delete:use&client=ci&basic=on`
  const ofCall = routeOf(query, [], { rawHeaders: call('delete') })
  t.strictSame(ofCall.needs, { resources: [MCP], scopes: ['openid', 'offline_access', 'use', 'admin'] })
  t.match(ofCall.basic, { resource: MCP, clients: ['ci'] })
  t.match(ofCall.policy, { requirements: { length: 6 } })
  t.strictSame(routeOf(query, [], { rawHeaders: call('read') }).needs.scopes, ['openid', 'offline_access', 'use'])
  const plain = routeOf(`${resource(MCP)}&scope=use`, [], { rawHeaders: call('delete') })
  t.strictSame(plain.needs.scopes, ['openid', 'offline_access', 'use'], 'a route that lists no call looks at none')
})

t.test('routes of the same text are worked out once', async (t) => {
  const policyOf = createRoutePolicy({ resources: new Map([[API, []]]), isAllowList: false, facts: undefined })
  const proxy = { policies: [], requestId: undefined, endsInput: false }
  const request = { method: 'GET', rawHeaders: [], query: TO_API, proxy } as unknown as VerifyRequest
  t.equal(policyOf(request), policyOf({ ...request, query: `${TO_API}` }))
})
