import { SEE_ABOVE } from '../check.ts'
import { isPrivate, type Reply, shown, type Silence } from './ask.ts'
import { call, messageIn } from './calls.ts'
import { type Challenge, parseChallenges } from './challenges.ts'
import type { Advice, McpFound, Step } from './step.ts'

/** As a client that has no token yet. */
export const stranger: Step = {
  title: 'a client without a token gets 401',
  async run ({ url, ask }) {
    const reply = await ask(url, call('tools/list'))
    const finding = judgeStranger(url, reply)
    if (finding !== undefined) return { findings: [finding] }
    return reply.kind === 'reply' ? { learnt: { stranger: reply } } : {}
  }
}

/** @returns undefined for a 401 */
function judgeStranger (url: string, reply: Reply | Silence): McpFound | undefined {
  if (reply.kind === 'silence') {
    return reply.isTls
      ? ['mcp-certificate', `${url} shows a certificate that is not believed here (${reply.what})`]
      : ['mcp-unreachable', `${url} does not answer: ${reply.what}`]
  }
  const { status } = reply
  const says = `${url} answers ${status} to a POST without a token`
  if (status >= 300 && status < 400) {
    return ['mcp-redirect', `${url} redirects to ${shown(reply.header('location') ?? 'nowhere')}`]
  }
  if (isServed(reply)) return ['mcp-open', says]
  if (!isPrivate(url)) return ['mcp-plain', `${url} is reached without TLS`]
  switch (status) {
    case 401: return undefined
    case 403: return ['mcp-forbidden', says]
    case 404: case 405: case 421: return ['mcp-path', says]
    default: return ['mcp-fails', says]
  }
}

/** True for what an MCP server has answered; one may refuse a token itself. */
const isServed = (reply: Reply): boolean =>
  (reply.status >= 200 && reply.status < 300) || (reply.status !== 401 && messageIn(reply) !== undefined)

/** What the 401 says. */
export const challenge: Step = {
  title: 'the 401 says where to get a token',
  needs: 'stranger',
  async run ({ url }, { stranger }) {
    const { findings, advice } = judgeChallenge(url, stranger?.lines('www-authenticate') ?? [])
    return { findings, learnt: { advice } }
  }
}

type Judged = Readonly<{ findings: readonly McpFound[], advice: Advice }>

function judgeChallenge (url: string, lines: readonly string[]): Judged {
  const all = lines.map(parseChallenges)
  const bearers = all.flatMap((challenges) => challenges ?? []).filter(({ scheme }) => scheme === 'bearer')
  const [metadata, ...more] = valuesOf(bearers, 'resource_metadata')
  const nothing = { metadata: undefined, scopes: [] }
  if (metadata === undefined) {
    const what = all.includes(undefined) ? 'its WWW-Authenticate cannot be read' : lackOf(lines, bearers)
    return { findings: [['mcp-challenge', `the 401 of ${url}: ${what}`]], advice: nothing }
  }
  const problem = problemOfAddress(url, metadata)
  const scopes = [...new Set(valuesOf(bearers, 'scope').flatMap((value) => value.split(/ +/)))]
    .filter((scope) => scope !== '').slice(0, 30)
  return {
    findings: [
      ...bearers.length > 1 || more.length > 0 ? [doubled(bearers.length)] : [],
      ...problem === undefined
        ? []
        : [['mcp-challenge-address', `resource_metadata="${shown(metadata)}" ${problem}`]] as const,
      ...judgeScopes(scopes)
    ],
    advice: { metadata: problem === undefined ? metadata : undefined, scopes }
  }
}

const valuesOf = (challenges: readonly Challenge[], wanted: string): readonly string[] =>
  challenges.flatMap(({ parameters }) => parameters.filter(([name]) => name === wanted).map(([, value]) => value))

function lackOf (lines: readonly string[], bearers: readonly Challenge[]): string {
  if (lines.length === 0) return 'no WWW-Authenticate'
  return bearers.length === 0 ? 'WWW-Authenticate without Bearer' : 'Bearer without resource_metadata'
}

const doubled = (challenges: number): McpFound => ['mcp-challenge-doubled', challenges > 1
  ? `the 401 has ${challenges} Bearer challenges`
  : 'the 401 has two resource_metadata']

/** @returns undefined for an address on the host of the URL */
function problemOfAddress (url: string, metadata: string): string | undefined {
  if (!URL.canParse(metadata)) return 'is no absolute URL'
  const { protocol, host } = new URL(metadata)
  if (!isPrivate(metadata)) return `begins with ${protocol}//`
  const own = new URL(url).host
  return host === own ? undefined : `is not on ${own}`
}

function judgeScopes (scopes: readonly string[]): readonly McpFound[] {
  if (scopes.length === 0) return [['mcp-scopes', 'the 401 names no scope']]
  return scopes.includes('openid') ? [] : [['mcp-openid', `the 401 names ${shown(scopes.join(' '))}`]]
}

/** With a token that Authgear never issued: it must be seen, and refused. */
export const forgedToken: Step = {
  title: 'a token reaches the service, and a forged one is refused',
  needs: 'stranger',
  async run ({ url, ask }) {
    const reply = await ask(url, call('tools/list', { token: 'not-a-token-of-this-authgear' }))
    if (reply.kind === 'silence') return { findings: [['mcp-fails', `${url}, with a token: ${reply.what}`]] }
    const { status } = reply
    const says = `${url} answers ${status} to a forged token`
    if (isServed(reply)) return { findings: [['mcp-open', says]] }
    if (status !== 401) return { findings: [['mcp-fails', says]] }
    const bearers = reply.lines('www-authenticate').flatMap((line) => parseChallenges(line) ?? [])
    if (bearers.length === 0) return { skipped: SEE_ABOVE }
    if (valuesOf(bearers, 'error').length > 0) return {}
    return { findings: [['mcp-authorization-lost', 'a forged token gets the same 401 as none']] }
  }
}
