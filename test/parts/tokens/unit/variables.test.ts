import t from 'tap'
import { check } from '../../../../src/commands/check.ts'
import { settingsOf, variables } from '../../../../src/parts/tokens/variables.ts'
import { logRetentionOf, retentionOf } from '../../../../src/app/settings.ts'
import { configOf, errorsOf, load, readRows, warningsOf } from '../../../unit/config/helpers.ts'

const loadResources = (RESOURCES: string) => load({ RESOURCES })
const resourcesOf = (RESOURCES: string) => settingsOf(readRows(variables, { RESOURCES }))?.resources ?? []

t.test('URIs with and without scopes, over several lines', async (t) => {
  const resources = resourcesOf('https://api.example.com#read:orders,write:orders\n https://mcp.example.com/mcp')
  t.strictSame(resources.map(({ uri, scopes }) => [uri, scopes]), [
    ['https://api.example.com', ['read:orders', 'write:orders']],
    ['https://mcp.example.com/mcp', []]
  ])
})

t.test('JSON says more, and a file may hold either', async (t) => {
  const row = {
    uri: 'https://api.example.com', scopes: ['a'], name: 'Orders', documentation: 'https://docs.example.com'
  }
  const env = { RESOURCES_FILE: '/r' }
  const read = (text: string) => settingsOf(readRows(variables, env, () => text))?.resources
  t.strictSame(read(JSON.stringify([row])), [row])
  t.equal(read('https://api.example.com\n')?.length, 1)
})

t.test('nothing is normalised: two URIs that differ by a slash are two', async (t) => {
  t.equal(resourcesOf('https://api.example.com https://api.example.com/').length, 2)
})

t.test('scopes of signing in may be named', async (t) => {
  const [resource] = resourcesOf('https://mcp.example.com#openid,offline_access,use')
  t.strictSame(resource?.scopes, ['openid', 'offline_access', 'use'])
})

t.test('it is off without RESOURCES, and what stands alone then is an error or a warning', async (t) => {
  t.notOk(configOf(load({})).parts.some(({ name }) => name === 'tokens'))
  t.match(errorsOf(load({ RESOURCE: 'https://api.example.com' })), [/^RESOURCE: .*did you mean RESOURCES\?/])
  t.match(warningsOf(load({ RESOURCE_CLIENTS: 'allow-list' })), [/^RESOURCE_CLIENTS: has no effect without RESOURCES/])
})

t.test('revocations are kept for as long as a token may live', async (t) => {
  const settings = configOf(load({ RESOURCES: 'https://api.example.com', RESOURCE_TOKEN_MAX_AGE: '2h' }))
  t.ok(logRetentionOf(settings) > 7_200_000)
  t.ok(retentionOf(settings) < 600_000, 'of sessions no longer')
})

/** Values that are refused, and the sentence for each. */
const WRONG: ReadonlyArray<readonly [value: string, error: RegExp]> = [
  ['http://api.example.com', /must begin with https:\/\//],
  ['api.example.com', /must begin with https:\/\//],
  ['https://api.example.com?x=1', /no query and no fragment/],
  ['https://user@api.example.com', /no user name/],
  ['https://API.example.com', /host name in lower case/],
  ['https://', /host name in lower case/],
  ['https://api.example.com/a"b', /host name in lower case/],
  ['https://api.example.com#a,,b', /"" is no scope/],
  ['https://api.example.com#email', /OpenID Connect/],
  ['https://api.example.com https://api.example.com', /is listed twice/],
  ['https://myapp.authgear.cloud/x', /own domain/],
  ['https://sub.myapp.authgear.cloud', /own domain/],
  ['[', /is no JSON/],
  ['[]', /names no resource/],
  ['[{"url":"https://a.example"}]', /entry 1 must be/],
  ['[{"uri":"https://a.example","scopes":"a"}]', /entry 1 must be/],
  ['[{"uri":"https://a.example","documentation":"javascript:x"}]', /no address of a page/],
  [Array.from({ length: 101 }, (_, i) => `https://a${i}.example`).join(' '), /more than 100/]
]

t.test('each mistake has its sentence, and all are printed together', async (t) => {
  for (const [value, error] of WRONG) t.match(errorsOf(loadResources(value)).join('\n'), error, value.slice(0, 60))
  t.match(errorsOf(loadResources('http://a.example https://b.example?x')).join(), /must begin.*no query/)
})

t.test('the longest life has bounds, and check says that a token is no permission', async (t) => {
  t.match(errorsOf(load({ RESOURCE_TOKEN_MAX_AGE: '25h' })).join(), /out of bounds/)
  const printed: string[] = []
  check([], { AUTHGEAR_ENDPOINT: 'https://a.example', RESOURCES: 'https://api.example.com' },
    { write: (text) => printed.push(text) })
  t.match(printed.join(''), /a valid token is no permission/)
  t.match(printed.join(''), /`as=NAME` gives that user .* to every machine of the project, unless `client=…`/)
})

t.test('check names the resources for which no MCP client can sign a person in', async (t) => {
  const printed: string[] = []
  const RESOURCES = 'https://api.example.com https://mcp.example.com#openid,use'
  check([], { AUTHGEAR_ENDPOINT: 'https://a.example', RESOURCES }, { write: (text) => printed.push(text) })
  t.match(printed.join(''), /no MCP client can sign a person in for https:\/\/api\.example\.com: write #openid/)
  t.match(printed.join(''), /^RESOURCES +https:\/\/api\.example\.com https:\/\/mcp\.example\.com#openid,use +env/m)
})
