// Services with one part on each, and what they are asked: for parts.mjs, and for pairs.mjs with two builds.
import { join } from 'node:path'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { MAIN, SESSION, sharing, startRedis, startService, TOKEN } from './lib.mjs'
import { examineGrpc } from './grpc-check.mjs'
import { ask, FORWARDED, LOGIN_CLIENT, OWN, ownSessionOf } from './own-session.mjs'

const [REDIS, FIRST] = [21400, 21410]
const REFUSED = 'refusedTokenOfTheBench0000000000'
const APP = { name: 'default', token: 'aTokenOfTheBenchForAnAppOfItsOwn' }
const ALICE = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  name: 'alice',
  roles: ['admin', 'editor'],
  verified: true,
  sessions: [{ accessTokens: [TOKEN], cookie: SESSION }]
}
/** Rows whose requests a bare server gets, too. */
export const [PLAIN, OWN_COOKIE] = ['memory hit, bearer', 'memory hit, own cookie']
export const [CHECK, CHECKS] = ['`/events/check`, a session', '`/events/check`, 100 sessions']
export const GRPC = 'gRPC check'
const bearer = (token) => `Authorization: Bearer ${token}`

/** `bare`: the row whose requests its bare server gets; `start`: gives the process, and what load.mjs asks of it. */
export const PART_ROWS = [
  { name: PLAIN, bare: PLAIN, start: (at) => startVerifier(at) },
  {
    name: "memory hit, Authgear's session cookie",
    bare: OWN_COOKIE,
    start: (at) => startVerifier(at, { lineOf: () => `Cookie: session=${SESSION}` })
  },
  {
    name: 'memory hit, access record to a file',
    bare: PLAIN,
    start: (at) => startVerifier(at, { env: recordIn(at) })
  },
  {
    name: 'memory hit, access record, a line a request',
    bare: PLAIN,
    start: (at) => startVerifier(at, { env: { ...recordIn(at), ACCESS_RECORD_WINDOW: '0' } })
  },
  {
    name: OWN_COOKIE,
    bare: OWN_COOKIE,
    target: 0.72,
    start: (at) => startVerifier(at, { env: { ...OWN, ...sharing(REDIS) }, lineOf: ownSessionOf })
  },
  { name: CHECK, bare: CHECK, start: (at) => startEvents(at, 1) },
  { name: CHECKS, bare: CHECKS, start: (at) => startEvents(at, 100) },
  { name: GRPC, bare: GRPC, start: startGrpc }
]

/** Authgear, simulated in this process, and Redis. @returns the places of the rows' services of a build */
export async function openWorld (home, children) {
  children.push(await startRedis(REDIS))
  const simulator = buildSimulator({ users: [ALICE], clients: [LOGIN_CLIENT] })
  const authgear = await simulator.listen({ port: 0 })
  return {
    place: (row, main = MAIN, offset = 0) =>
      ({ home, authgear, main, port: FIRST + 10 * PART_ROWS.indexOf(row) + offset }),
    close: () => simulator.close()
  }
}

const urlOf = (port, path = '') => `http://127.0.0.1:${port}${path}`
const recordIn = ({ home, port }) => ({ ACCESS_RECORD: `file:${join(home, `${port}.jsonl`)}` })
const startAt = ({ port, authgear, main }, env) => startService(port, { AUTHGEAR_ENDPOINT: authgear, ...env }, 0, main)

/** A service that `/verify` is asked of. @param lineOf the credential, where it is not the token */
async function startVerifier (at, { env = {}, lineOf = () => bearer(TOKEN) } = {}) {
  const child = await startAt(at, env)
  const line = await lineOf(urlOf(at.port))
  const asked = { url: urlOf(at.port, '/verify'), headers: [...FORWARDED, line] }
  const forged = line.replace(/.{4}$/, 'aaaa')
  await expect(asked.url, asked.headers, 200)
  await expect(asked.url, [...FORWARDED, forged], 401)
  await expect(asked.url, FORWARDED, 401)
  const { headers } = await expect(asked.url, asked.headers, 200)
  if (headers['x-authgear-user-id'] !== ALICE.id) throw new Error(`${asked.url} does not say who it is`)
  if (headers['x-forward-auth-source'] !== 'memory') throw new Error(`${asked.url} does not answer from memory`)
  return { child, asked }
}

/** An app asks about connections that it holds, all of one user. */
async function startEvents (at, count) {
  const port = at.port + 2
  const child = await startAt(at, { LISTEN_EVENTS: `127.0.0.1:${port}`, EVENTS_TOKENS: `${APP.name}:${APP.token}` })
  const { headers } = await expect(urlOf(at.port, '/verify'), [bearer(TOKEN)], 200)
  const since = Math.floor(Date.now() / 1000) + 10 // newer than what the replica does not know
  const session = headers['x-forward-auth-session']
  const others = Array.from({ length: count - 1 }, (_, index) => session.slice(0, -3) + String(index).padStart(3, '0'))
  const held = [session, ...others].map((one) => ({ session: one, user: ALICE.id, since }))
  const body = JSON.stringify({ sessions: held })
  const asked = { url: urlOf(port, '/events/check'), headers: [bearer(APP.token)], body }
  const { text } = await expect(asked.url, asked.headers, 200, body)
  const { revoked, unknown } = JSON.parse(text)
  if (revoked.length > 0 || unknown.length > 0) throw new Error(`/events/check answers ${text}`)
  await expect(asked.url, [bearer(REFUSED)], 401, body)
  return { child, asked: { ...asked, answer: text } }
}

async function startGrpc (at) {
  const port = at.port + 2
  const child = await startAt(at, { LISTEN_GRPC: `127.0.0.1:${port}` })
  return { child, asked: { url: urlOf(port), ...await examineGrpc(port, TOKEN, REFUSED) } }
}

async function expect (url, lines, status, body) {
  const answer = await ask(url, lines, body === undefined ? {} : { method: 'POST', body })
  if (answer.status !== status) throw new Error(`${url}: ${answer.status}, ${status} expected: ${answer.text}`)
  return answer
}
