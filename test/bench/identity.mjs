// What names for apps, a profile and an assertion add to a memory hit: the same session at four replicas in turn.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { cpuOf, spread, startService, stop, summary, table, thousands, TOKEN } from './lib.mjs'
import { GENERATOR, load } from './load.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
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
    const rounds = ROWS.map(() => [])
    for (let round = -1; round < ROUNDS; round++) { // the first one warms
      for (const [index, service] of services.entries()) {
        const measured = await measure(index, service)
        if (round >= 0) rounds[index].push(measured)
      }
    }
    return report(rounds)
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

async function measure (index, service) {
  const cpu = cpuOf(service)
  const headers = [`Authorization: Bearer ${TOKEN}`]
  const url = `http://127.0.0.1:${SERVICE + 2 * index}/verify`
  const { rate, requests, refused } = await load(url, { headers, seconds: SECONDS })
  if (refused > 0) throw new Error(`${url}: ${refused} of ${requests} were refused`)
  return { rate, cpu: (cpuOf(service) - cpu) / requests * 1e6 }
}

function report (rounds) {
  const ratio = (index, of) => summary(rounds[index].map((one, round) => of(one) / of(rounds[0][round])))
  const data = ROWS.map(({ name }, index) => ({
    name,
    perSecond: summary(rounds[index].map(({ rate }) => rate)).median,
    rate: ratio(index, ({ rate }) => rate),
    cpu: summary(rounds[index].map(({ cpu }) => cpu)).median,
    cpuRatio: ratio(index, ({ cpu }) => cpu)
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
