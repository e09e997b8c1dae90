import { metadataUrlOf } from '../../base/core/protected-resource.ts'
import type { Asked, At, Checked, CommonFinding, Found, PartFinding } from '../../base/parts/findings.ts'
import { OF_MCP } from './mcp/findings.ts'
import type { TokensSettings } from './variables.ts'

export const findings = [
  {
    id: 'resource-token',
    severity: 'error',
    why: 'its client gets 401',
    set: 'what the line says; docs/resource-tokens.md says what is accepted'
  },
  {
    id: 'resource-scope',
    severity: 'warning',
    why: 'Authgear issues valid tokens without any scope: only a route with scope= refuses them',
    set: 'scope= on each route of that resource'
  },
  {
    id: 'resource-metadata',
    severity: 'error',
    why: 'MCP clients start there, and give up',
    set: 'the routes that `snippet --resource` writes: /.well-known/oauth-protected-resource leads to this service, ' +
      'without a session'
  },
  ...OF_MCP
] as const satisfies readonly PartFinding<string>[]
export type FindingId = (typeof findings)[number]['id']
type Problem = Found<FindingId | CommonFinding>

/** Asks for each resource's metadata through the proxy, as a client without a token does. */
export async function checkMetadata (
  { resources }: TokensSettings, { url: app, mcp, ask }: At
): Promise<Checked<FindingId>> {
  const url = app ?? (mcp && new URL(mcp.url).origin)
  if (url === undefined) return { kind: 'skipped', why: '--url or --mcp says where clients reach the API' }
  const host = new URL(url).host
  const here = resources.filter(({ uri }) => new URL(uri).host === host)
  if (here.length === 0) return { kind: 'skipped', why: `no entry of RESOURCES is on ${host}` }
  const problems = await Promise.all(here.map(async ({ uri }) => {
    const address = `${url}${new URL(metadataUrlOf(uri)).pathname}`
    return judgeMetadata(await ask(address), uri, address)
  }))
  return { kind: 'looked', findings: problems.filter((problem) => problem !== undefined) }
}

export function judgeMetadata (page: Asked, uri: string, address: string): Problem | undefined {
  if (page.kind !== 'answered') {
    return page.kind === 'unbelieved'
      ? ['app-certificate', page.what]
      : ['resource-metadata', `${address} does not answer`]
  }
  if (page.status !== 200) return ['resource-metadata', `${address} answers ${page.status}`]
  try {
    const { resource } = JSON.parse(page.body) as Readonly<Record<string, unknown>>
    return resource === uri ? undefined : ['resource-metadata', `${address} is about another resource than ${uri}`]
  } catch {
    return ['resource-metadata', `${address} answers 200 with something else`]
  }
}
