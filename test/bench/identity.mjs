// What apps' own headers, a profile and an assertion cost beside Authgear's headers alone: a hit with and without.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { cpuOf, startService, stop, TOKEN } from './lib.mjs'
import { load } from './load.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
const [PLAIN, WITH, AUTHGEAR] = [20970, 20980, 20990]
const USER = 'a11ce000-0000-4000-8000-000000000001'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

const IDENTITY = {
  IDENTITY_HEADERS: 'remote',
  IDENTITY_PROFILE: 'email,name,username,groups',
  IDENTITY_USER: 'username',
  ASSERTION: 'on',
  ASSERTION_ISSUER: 'https://auth.example.com',
  AUTHGEAR_ADMIN_API_URL: `http://127.0.0.1:${AUTHGEAR}/graphql`,
  AUTHGEAR_APP_ID: 'bench',
  AUTHGEAR_ADMIN_API_KEY_ID: 'k',
  AUTHGEAR_ADMIN_API_KEY: privateKey.export({ format: 'pem', type: 'pkcs8' })
}

const ALICE = {
  isDisabled: false,
  standardAttributes: { email: 'alice@example.com', email_verified: true, preferred_username: 'alice' },
  formattedName: 'Alice Example',
  groups: { edges: [{ node: { key: 'staff' } }] }
}

/** Resolver and Admin API, where everybody is Alice. */
async function startAuthgear () {
  const server = createServer(async (request, response) => {
    if (request.url === '/graphql') {
      const { variables: { ids = [] } = {} } = JSON.parse(await text(request))
      return response.end(JSON.stringify({ data: { nodes: ids.map((id) => ({ id, ...ALICE })) } }))
    }
    response.writeHead(200, {
      'x-authgear-session-valid': 'true',
      'x-authgear-user-id': USER,
      'x-authgear-user-roles': 'admin,editor',
      'content-length': 0
    })
    response.end()
  })
  await new Promise((resolve) => server.listen(AUTHGEAR, '127.0.0.1', resolve))
  return server
}

async function measure (port, service) {
  const headers = [`Authorization: Bearer ${TOKEN}`]
  const before = cpuOf(service)
  const { rate, requests, refused } = await load(`http://127.0.0.1:${port}/verify`, { headers, seconds: SECONDS })
  if (refused > 0) throw new Error(`${refused} of ${requests} were refused`)
  return { rate, cpu: (cpuOf(service) - before) / requests * 1e6 }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Interleaved, so that a busy machine is as busy for both. */
export async function identity () {
  const authgear = await startAuthgear()
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${AUTHGEAR}` }
  const plain = await startService(PLAIN, env)
  const more = await startService(WITH, { ...env, ...IDENTITY })
  try {
    const rounds = []
    for (let round = 0; round <= ROUNDS; round++) {
      const pair = [await measure(PLAIN, plain), await measure(WITH, more)]
      if (round > 0) rounds.push(pair) // the first one warms
    }
    const of = (index, name) => median(rounds.map((pair) => pair[index][name]))
    return {
      rates: [of(0, 'rate'), of(1, 'rate')],
      cpu: [of(0, 'cpu'), of(1, 'cpu')],
      ratio: of(1, 'rate') / of(0, 'rate'),
      cpuRatio: of(0, 'cpu') / of(1, 'cpu'),
      rounds: rounds.map(([one, other]) => [one.rate, other.rate, one.cpu, other.cpu].map((value) => value.toFixed(1)))
    }
  } finally {
    await Promise.all([plain, more].map(stop))
    authgear.closeAllConnections()
    authgear.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await identity())
