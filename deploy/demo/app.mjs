// @ts-check
import { createServer } from 'node:http'
import { appPage } from './app-page.mjs'
import { readAssertion } from './assertion.mjs'
import { answerClock, CLOCK_PATH, followEvents } from './clock.mjs'
import { answerMcp, MCP_PATH } from './mcp.mjs'

// An app that knows nothing of Authgear: it believes the x-authgear-* headers, since only the proxy reaches it.

const { PORT, HOST, LOGIN_PATH, WITHOUT_PAGES, WIKI_URL } = process.env
/** Every name by which it may be told who is asking (docs/identity.md). */
const IDENTITY = /^(x-authgear-|remote-|x-webauth-|x-forwarded-(user|email|preferred-username|groups)$|x-forward-auth-)/

/** @param {import('node:http').IncomingMessage} request */
async function whoAsks ({ headers }) {
  const value = (/** @type {string} */ name) => String(headers[`x-authgear-${name}`] ?? '')
  return {
    user: value('session-valid') === 'true' ? value('user-id') : null,
    name: readName(headers['remote-name']),
    roles: value('user-roles').split(',').filter(role => role !== ''),
    verified: value('user-verified') === 'true',
    anonymous: value('user-anonymous') === 'true',
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => IDENTITY.test(name))),
    assertion: await readAssertion(headers['x-forward-auth-assertion'])
  }
}

/** Percent-encoded UTF-8 (docs/identity.md). @param {unknown} header */
function readName (header) {
  try {
    return decodeURIComponent(String(header ?? ''))
  } catch {
    return ''
  }
}

const server = createServer((request, response) => {
  if (request.url === CLOCK_PATH) return answerClock(request, response)
  const answer = request.url === MCP_PATH ? answerMcp : answerPage
  answer(request, response).catch(() => response.destroy())
})

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answerPage (request, response) {
  const who = await whoAsks(request)
  const html = (request.headers.accept ?? '').includes('text/html')
  response.writeHead(200, {
    'Content-Type': html ? 'text/html; charset=utf-8' : 'application/json',
    'Cache-Control': 'no-store'
  })
  const links = { login: LOGIN_PATH, hasPages: WITHOUT_PAGES !== '1', wiki: WIKI_URL }
  response.end(html ? appPage(who, links) : `${JSON.stringify(who, null, 2)}\n`)
}

followEvents()
server.listen(Number(PORT ?? 8080), HOST ?? '127.0.0.1')
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit())
