// What a resource token costs beside a session: a hit of the same length, and the first look at a token.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { createVerifier } from '../../dist/request/resource/verifier.js'
import { readKeySet } from '../../dist/authgear/key-set.js'
import {
  interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, startService, stop, summary, table, thousands
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'

const [SERVICE, RESOLVER] = [20950, 20960]
export const ISSUER = `http://127.0.0.1:${RESOLVER}`
export const RESOURCE = 'https://api.example.com'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] })
const COLD = 2000

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

export function token (aud) {
  const iat = Math.floor(Date.now() / 1000) + 4 // newer than what the replica does not know
  const text = [{ alg: 'RS256', kid: 'k', typ: 'at+jwt' }, {
    aud: [aud],
    client_id: 'machine',
    exp: iat + 1800,
    iat,
    iss: ISSUER,
    jti: randomBytes(32).toString('hex'),
    scope: 'read:orders write:orders',
    sub: 'client_id_machine'
  }].map(encode).join('.')
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}

/** A resolver that knows everybody, and Authgear's keys. */
export async function startAuthgear () {
  const server = createServer(({ url }, response) => {
    if (url === '/oauth2/jwks') return response.end(JWKS)
    response.writeHead(200, {
      'x-authgear-session-valid': 'true',
      'x-authgear-user-id': 'a11ce000',
      'content-length': 0
    })
    response.end()
  })
  await new Promise((resolve) => server.listen(RESOLVER, '127.0.0.1', resolve))
  return server
}

export async function tokens () {
  const authgear = await startAuthgear()
  const service = await startService(SERVICE, { AUTHGEAR_ENDPOINT: ISSUER, RESOURCES: RESOURCE })
  const resource = `/resource?resource=${RESOURCE}&scope=read:orders`
  const rows = [
    { name: 'a session by an opaque token', path: '/verify', bearer: 'benchAccessTokenOfAlice000000000' },
    { name: "a session by the project's own JWT", path: '/verify', bearer: token(ISSUER) },
    { name: 'a resource token, with a scope', path: resource, bearer: token(RESOURCE) }
  ]
  try {
    const rounds = await interleaved(rows, ({ path, bearer }) =>
      loadOf(service, `http://127.0.0.1:${SERVICE}${path}`, { headers: [`Authorization: Bearer ${bearer}`] }))
    return report(rows, rounds, await cold())
  } finally {
    await stop(service)
    authgear.closeAllConnections()
    authgear.close()
  }
}

/** In this process, one after another: each token new. @returns microseconds of each */
async function cold () {
  const { getKey } = await readKeySet(JWKS)
  const clock = { wall: () => Date.now() + 5000, monotonic: () => performance.now() }
  const rules = { issuer: ISSUER, maxAgeMs: 3_600_000 }
  const verifier = createVerifier({
    rules,
    keySet: { keyOf: async () => getKey, current: () => getKey },
    clock,
    maxBytes: 2 ** 24,
    waitingBytes: 2 ** 24
  })
  const all = Array.from({ length: COLD }, () => token(RESOURCE))
  const times = []
  for (const [index, one] of all.entries()) {
    const started = performance.now()
    const { kind } = await verifier.verify(one, { key: String(index), headBytes: () => 1000 })
    if (kind !== 'token') throw new Error(kind)
    times.push((performance.now() - started) * 1000)
  }
  return summary(times.slice(COLD / 10))
}

function report (rows, rounds, coldMicros) {
  const data = rows.map(({ name }, index) => ({
    name,
    perSecond: medianOf(rounds[index], ({ rate }) => rate),
    toOpaque: ratioOf(rounds[index], rounds[0], ({ rate }) => rate),
    toJwt: ratioOf(rounds[index], rounds[1], ({ rate }) => rate),
    cpu: medianOf(rounds[index], ({ cpu }) => cpu),
    cpuToJwt: ratioOf(rounds[index], rounds[1], ({ cpu }) => cpu)
  }))
  const markdown = table([
    [
      'memory hit', 'requests/s', 'to an opaque session', 'to a session by a JWT', 'CPU µs a request',
      'its ratio to a JWT session'
    ],
    ...data.map(({ name, perSecond, toOpaque, toJwt, cpu, cpuToJwt }) => [
      name, thousands(perSecond), spread(toOpaque), spread(toJwt), cpu.toFixed(1), spread(cpuToJwt)
    ])
  ])
  const note =
    `${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections; min / median / max. The first ` +
    `look at a token: ${coldMicros.median.toFixed(0)} µs at the median of ${COLD} (least ` +
      `${coldMicros.min.toFixed(0)}).`
  return { name: 'tokens', markdown: `${markdown}\n\n${note}`, data: { rows: data, coldMicros } }
}
