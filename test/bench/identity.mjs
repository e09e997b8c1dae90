// What names for apps, a profile and an assertion add to a memory hit: the same session at four replicas in turn.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import {
  interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, startService, stop, table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'

const [SERVICE, AUTHGEAR] = [20970, 20990]
const USER = 'a11ce000-0000-4000-8000-000000000001'
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})

const NAMES = { IDENTITY_HEADERS: 'remote' }
const PROFILE = {
  AUTHGEAR_APP_ID: 'bench',
  AUTHGEAR_ADMIN_API_URL: `http://127.0.0.1:${AUTHGEAR}/graphql`,
  AUTHGEAR_ADMIN_API_KEY: privateKey,
  AUTHGEAR_ADMIN_API_KEY_ID: 'bench',
  IDENTITY_PROFILE: 'email,name'
}
const ASSERTION = { ASSERTION: 'on', ASSERTION_ISSUER: 'https://auth.example.com' }
const ROWS = [
  { name: 'the eight names of Authgear', env: {} },
  { name: 'and a set of names', env: NAMES },
  { name: 'and e-mail and name in it', env: { ...NAMES, ...PROFILE } },
  { name: 'and an assertion', env: { ...NAMES, ...PROFILE, ...ASSERTION } }
]

/** A resolver and an Admin API that know one user; the audit log is empty. */
async function startAuthgear () {
  const attributes = { email: 'alice@example.com', email_verified: true, name: 'Alice Example', updated_at: 1 }
  const node = {
    id: Buffer.from(`User:${USER}`).toString('base64url'),
    standardAttributes: attributes,
    customAttributes: {},
    formattedName: 'Alice Example',
    isDisabled: false,
    isAnonymous: false
  }
  const server = createServer(async (request, response) => {
    if (request.url === '/graphql') {
      const query = String(await buffer(request))
      response.setHeader('content-type', 'application/json')
      const empty = { auditLogs: { edges: [], pageInfo: {}, totalCount: 0 } }
      const data = query.includes('nodes(') ? { nodes: [node] } : empty
      return response.end(JSON.stringify({ data }))
    }
    response.writeHead(200, {
      'x-authgear-session-valid': 'true',
      'x-authgear-user-id': USER,
      'x-authgear-user-anonymous': 'false',
      'x-authgear-user-verified': 'true',
      'x-authgear-user-roles': 'admin,editor',
      'x-authgear-session-authenticated-at': '1795561910',
      'x-authgear-user-can-reauthenticate': 'true',
      'content-length': 0
    })
    response.end()
  })
  await new Promise((resolve) => server.listen(AUTHGEAR, '127.0.0.1', resolve))
  return server
}

export async function identity () {
  const authgear = await startAuthgear()
  const services = []
  try {
    for (const [index, { env }] of ROWS.entries()) {
      services.push(await startService(SERVICE + 2 * index, { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${AUTHGEAR}`, ...env }))
    }
    await check()
    return report(await interleaved(services, (service, index) => loadOf(
      service, `http://127.0.0.1:${SERVICE + 2 * index}/verify`, { headers: [`Authorization: Bearer ${TOKEN}`] })))
  } finally {
    await Promise.all(services.map(stop))
    authgear.closeAllConnections()
    authgear.close()
  }
}

/** All of it goes out: else nothing is measured. */
async function check () {
  const { headers } = await fetch(`http://127.0.0.1:${SERVICE + 6}/verify`, { headers: { authorization: `Bearer ${TOKEN}` } })
  for (const name of ['remote-user', 'remote-email', 'remote-name', 'x-forward-auth-assertion']) {
    if (!headers.get(name)) throw new Error(`${name} is empty`)
  }
}

function report (rounds) {
  const data = ROWS.map(({ name }, index) => ({
    name,
    perSecond: medianOf(rounds[index], ({ rate }) => rate),
    rate: ratioOf(rounds[index], rounds[0], ({ rate }) => rate),
    cpu: medianOf(rounds[index], ({ cpu }) => cpu),
    cpuRatio: ratioOf(rounds[index], rounds[0], ({ cpu }) => cpu)
  }))
  const markdown = table([
    ['memory hit with', 'requests/s', 'to the first', 'CPU µs a request', 'its ratio to the first'],
    ...data.map(({ name, perSecond, rate, cpu, cpuRatio }) => [
      name, thousands(perSecond), spread(rate), cpu.toFixed(1), spread(cpuRatio)
    ])
  ])
  const note = `${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections; min / median / max.`
  return { name: 'identity', markdown: `${markdown}\n\n${note}`, data }
}
