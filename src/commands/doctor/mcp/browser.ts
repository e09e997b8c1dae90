import type { Reply, Silence } from './ask.ts'
import { call } from './calls.ts'
import type { Given, Step } from './step.ts'

/** Where the MCP inspector runs. */
const ORIGIN = 'http://localhost:6274'
/** The headers of a client's POST that a browser asks about. */
const HEADERS = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name'] as const

/** As a web page does, which its browser stops at the first answer that does not allow it. */
export const browser: Step = {
  title: 'clients in browsers can connect (CORS)',
  needs: 'stranger',
  async run ({ url, ask }, { resource, server }) {
    const { headers, ...rest } = call('tools/list')
    const preflight = await ask(url, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': HEADERS.join(',')
      }
    })
    const post = await ask(url, { ...rest, headers: { ...headers, origin: ORIGIN } })
    const documents = [resource?.address, server?.address].filter((address) => address !== undefined)
    const lacking = [...judgePreflight(preflight), ...judgeRefusal(post), ...await closed(ask, documents)]
    if (lacking.length === 0) return {}
    const isNone = !allows(preflight) && !allows(post)
    return { findings: [['mcp-cors', isNone ? `${url} allows no web page` : `not allowed: ${lacking.join('; ')}`]] }
  }
}

const allows = (reply: Reply | Silence): boolean =>
  reply.kind === 'reply' && ['*', ORIGIN].includes(reply.header('access-control-allow-origin') ?? '')

/** `*` stands for every header but Authorization. */
function judgePreflight (reply: Reply | Silence): readonly string[] {
  if (reply.kind === 'silence') return [`the preflight of a POST (${reply.what})`]
  const isOk = reply.status >= 200 && reply.status < 300
  if (!isOk || !allows(reply)) return [`the preflight of a POST (${reply.status})`]
  const allowed = reply.lines('access-control-allow-headers').join(',').toLowerCase().split(/\s*,\s*/)
  const refused = HEADERS.filter((name) =>
    !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')))
  return refused.length === 0 ? [] : [`the headers ${refused.join(', ')}`]
}

/** A page reads no other header of an answer than those that it exposes. */
function judgeRefusal (reply: Reply | Silence): readonly string[] {
  if (reply.kind === 'silence' || !allows(reply)) return ['the 401']
  const exposed = reply.lines('access-control-expose-headers').join(',').toLowerCase().split(/\s*,\s*/)
  return exposed.includes('www-authenticate') || exposed.includes('*') ? [] : ['that its WWW-Authenticate is read']
}

async function closed (ask: Given['ask'], addresses: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const address of addresses) {
    if (!allows(await ask(address, { headers: { origin: ORIGIN } }))) found.push(address)
  }
  return found
}
