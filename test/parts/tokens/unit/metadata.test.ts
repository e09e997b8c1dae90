import t from 'tap'
import type { HandlerResult, VerifyRequest } from '../../../../src/base/http/types.ts'
import { metadataRoutes } from '../../../../src/parts/tokens/metadata.ts'
import { settingsOf, variables } from '../../../../src/parts/tokens/variables.ts'
import { readRows } from '../../../unit/config/helpers.ts'

const PATH = '/.well-known/oauth-protected-resource/mcp'
const RESOURCES = 'https://api.example.com/mcp https://other.example.com/mcp'

t.test('a trusted proxy says which host it is', async (t) => {
  const { resources = [] } = settingsOf(readRows(variables, { RESOURCES })) ?? {}
  const documentOf = (rawHeaders: readonly string[], isTrusted: boolean): string | undefined => {
    const routes = metadataRoutes({ resources, issuer: 'x', trustProxy: () => isTrusted })
    const { handler } = routes.find(({ path }) => path === PATH) ?? {}
    const request = { method: 'GET', rawHeaders, socket: {} } as unknown as VerifyRequest
    const { response } = handler?.(request) as HandlerResult
    return response.status === 200 ? JSON.parse(response.body).resource : undefined
  }
  const inner = ['host', 'forward-auth:4180']
  t.equal(documentOf([...inner, 'X-Forwarded-Host', 'Other.example.com:443'], true), 'https://other.example.com/mcp')
  t.equal(documentOf([...inner, 'X-Forwarded-Host', 'other.example.com'], false), undefined)
  t.equal(documentOf([':authority', 'api.example.com'], true), 'https://api.example.com/mcp')
})

t.test('as many resources as may be configured have one route a path', async (t) => {
  const all = Array.from({ length: 100 }, (_, i) => `https://api${i}.example.com/mcp`).join(' ')
  const { resources = [] } = settingsOf(readRows(variables, { RESOURCES: all })) ?? {}
  const routes = metadataRoutes({ resources, issuer: 'x', trustProxy: () => true })
  t.equal(routes.length, 4)
})
