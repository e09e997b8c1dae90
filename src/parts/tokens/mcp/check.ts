import { metadataUrlOf } from '../../../base/core/protected-resource.ts'
import type { Asked, At, Checked } from '../../../base/parts/findings.ts'
import type { TokensSettings } from '../variables.ts'
import { call, messageIn } from './calls.ts'
import type { McpFindingId, McpFound } from './findings.ts'
import { checkTools } from './tools.ts'

type Answered = Extract<Asked, { kind: 'answered' }>

/** Asks an MCP server of this deployment through the proxy: without a token, with a forged one, with the pasted one. */
export async function checkMcp ({ resources }: TokensSettings, at: At): Promise<Checked<McpFindingId>> {
  const { mcp: { url, token } = {}, post } = at
  if (url === undefined) return { kind: 'skipped', why: '--mcp says which MCP server' }
  const resource = resources.map(({ uri }) => uri).find((uri) => isWithin(url, uri))
  if (resource === undefined) return looked([['mcp-resource', `RESOURCES lists neither ${url} nor a part of it`]])
  const reply = await post(url, call('tools/list'))
  const problem = judgeStranger(url, reply)
  if (problem !== undefined || reply.kind !== 'answered') return looked(problem === undefined ? [] : [problem])
  return looked([
    ...judgeChallenge(reply.challenges ?? [], resource),
    ...judgeForged(url, await post(url, call('tools/list', 'not-a-token-of-this-authgear'))),
    ...token === undefined ? [] : await checkTools({ url, token, post })
  ])
}

const looked = (findings: readonly McpFound[]): Checked<McpFindingId> => ({ kind: 'looked', findings })

/** By whole segments of the path. Clients reject a resource that differs by a slash at the end. */
function isWithin (url: string, uri: string): boolean {
  const above = `${uri.replace(/\/$/, '')}/`
  return url === new URL(uri).href || (url.startsWith(above) && url !== above)
}

/** @returns undefined for a 401 */
function judgeStranger (url: string, reply: Asked): McpFound | undefined {
  if (reply.kind !== 'answered') {
    return [reply.kind === 'unbelieved' ? 'app-certificate' : 'app-unreachable', reply.what]
  }
  const { status } = reply
  const says = `${url} answers ${status} to a POST without a token`
  if (isServed(reply)) return ['mcp-open', says]
  switch (status) {
    case 401: return undefined
    case 403: return ['mcp-forbidden', says]
    case 404: case 405: case 421: return ['mcp-path', says]
    default: return status >= 300 && status < 400 ? ['mcp-redirect', says] : ['mcp-fails', says]
  }
}

/** True for what an MCP server has answered; one may refuse a token itself. */
const isServed = (reply: Answered): boolean =>
  (reply.status >= 200 && reply.status < 300) || (reply.status !== 401 && messageIn(reply) !== undefined)

/** Of the lines of WWW-Authenticate one is of Bearer, and one of Basic where the route allows it. */
function judgeChallenge (lines: readonly string[], resource: string): readonly McpFound[] {
  const all = lines.join(', ')
  const [metadata, ...more] = valuesOf(all, 'resource_metadata')
  if (metadata === undefined) return [['mcp-challenge', 'the 401 names no resource_metadata in WWW-Authenticate']]
  const challenges = all.match(/\bBearer /gi)?.length ?? 0
  if (challenges > 1) return [['mcp-challenge-doubled', `the 401 has ${challenges} Bearer challenges`]]
  if (more.length > 0) return [['mcp-challenge-doubled', 'the 401 has two resource_metadata']]
  if (metadata === metadataUrlOf(resource)) return []
  return [['mcp-challenge-address', `the 401 names ${metadata.slice(0, 200)}, not ${metadataUrlOf(resource)}`]]
}

const valuesOf = (challenge: string, name: string): readonly string[] =>
  [...challenge.matchAll(new RegExp(`\\b${name}="([^"]*)"`, 'gi'))].map(([, value = '']) => value)

/** With a token that Authgear never issued: it must be seen, and refused. */
function judgeForged (url: string, reply: Asked): readonly McpFound[] {
  if (reply.kind !== 'answered') return [['mcp-fails', `${url}, with a token: ${reply.what}`]]
  const { status, challenges = [] } = reply
  const says = `${url} answers ${status} to a forged token`
  if (isServed(reply)) return [['mcp-open', says]]
  if (status !== 401) return [['mcp-fails', says]]
  return /\bBearer\b/i.test(challenges.join()) && !challenges.join().includes('error=')
    ? [['mcp-authorization-lost', 'a forged token gets the same 401 as none']]
    : []
}
