// How this build compares with another, both in turn on one core: BENCH_OTHER is the other's dist/main.js, BENCH_ROWS a
// pattern of the rows.
// Processes start anew for each set of rounds, since chance decides at the start how fast Node runs a server.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import {
  atHome, interleaved, MAIN, medianOf, ratioOf, ROUNDS, SECONDS, sharing, spread, startRedis, startServer, startService,
  stop, table, untilShared
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'
import { openWorld, PART_ROWS, PLAIN } from './part-services.mjs'
import { ONE_ENTRY, ROWS, SERVICE } from './rates.mjs'

const STARTS = Number(process.env.BENCH_STARTS ?? 4)
const [RESOLVER, REDIS, TOKENS, AUTHGEAR] = [21000, 21001, 21002, 20960]
const ISSUER = `http://127.0.0.1:${AUTHGEAR}`
const RESOURCE = 'https://api.example.com'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] })
const RESOURCE_ROW = { name: 'resource token, with a scope', port: TOKENS, path: `/resource?resource=${RESOURCE}` }
const WANTED = new RegExp(process.env.BENCH_ROWS ?? '')
const PAIRED = [...ROWS.filter(({ port }) => port === SERVICE || port === ONE_ENTRY), RESOURCE_ROW]
  .filter(({ name }) => WANTED.test(name))
const OF_PARTS = PART_ROWS.filter(({ name }) => name !== PLAIN && WANTED.test(name))
/** From a port of this build to the same one of the other. */
const OTHER = 100

export async function pairs () {
  const other = process.env.BENCH_OTHER
  if (other === undefined) throw new Error('pairs: set BENCH_OTHER to the dist/main.js of the other build')
  const [runs, ofParts] = [PAIRED, OF_PARTS].map((rows) => rows.map(() => [[], []]))
  const stopServers = PAIRED.length > 0 ? await startServers() : () => {}
  try {
    for (let index = 0; index < STARTS; index++) {
      if (PAIRED.length > 0) await measure(other, runs)
      if (OF_PARTS.length > 0) await measureParts(other, ofParts)
    }
    return report([...PAIRED, ...OF_PARTS], [...runs, ...ofParts])
  } finally {
    await stopServers()
  }
}

/** @returns what ends them */
async function startServers () {
  const servers = [await startRedis(REDIS), await startServer('resolver', RESOLVER, 1)]
  const authgear = await startAuthgear()
  return async () => {
    authgear.closeAllConnections()
    authgear.close()
    for (const child of servers) await stop(child)
  }
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A resource token of a machine. */
function token () {
  const iat = Math.floor(Date.now() / 1000) + 4 // newer than what the replica does not know
  const text = [{ alg: 'RS256', kid: 'k', typ: 'at+jwt' }, {
    aud: [RESOURCE],
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

/** Authgear's keys. Nobody asks this server about a session. */
async function startAuthgear () {
  const server = createServer(({ url }, response) => { response.end(url === '/oauth2/jwks' ? JWKS : '') })
  await new Promise((resolve) => server.listen(AUTHGEAR, '127.0.0.1', resolve))
  return server
}

/** Both builds from their start to their end; adds each round to the runs of its row. */
async function measure (other, runs) {
  const builds = [await startBuild(MAIN, 0), await startBuild(other, OTHER)]
  try {
    for (const [index, row] of PAIRED.entries()) {
      const headers = row.headers ?? (row.script === undefined ? [`Authorization: Bearer ${token()}`] : [])
      const rounds = await interleaved(builds, (build) => build.ask({ ...row, headers }))
      for (const [build, of] of rounds.entries()) runs[index][build].push(...of)
    }
  } finally {
    for (const build of builds) await build.stop()
  }
}

/** The rows of parts.mjs, each from the start of its two services to their end. */
const measureParts = (other, runs) => atHome('pairs', async (home, children) => {
  const world = await openWorld(home, children)
  try {
    for (const [index, row] of OF_PARTS.entries()) {
      const builds = [await row.start(world.place(row)), await row.start(world.place(row, other, OTHER))]
      children.push(...builds.map(({ child }) => child))
      const rounds = await interleaved(builds, ({ child, asked }) => loadOf(child, asked.url, asked))
      for (const [build, of] of rounds.entries()) runs[index][build].push(...of)
      for (const { child } of builds) await stop(child)
    }
  } finally {
    await world.close()
  }
})

/** The three services that the rows ask, of one build. */
async function startBuild (main, offset) {
  const [alone, shared, tokens] = [SERVICE, ONE_ENTRY, TOKENS].map((port) => port + offset)
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`, CACHE_MAX_ENTRIES: '40000' }
  const children = {
    [SERVICE]: await startService(alone, env, 0, main),
    [ONE_ENTRY]: await startService(shared, { ...env, CACHE_MAX_ENTRIES: '1', ...sharing(REDIS) }, 0, main),
    [TOKENS]: await startService(tokens, { AUTHGEAR_ENDPOINT: ISSUER, RESOURCES: RESOURCE }, 0, main)
  }
  await untilShared([shared])
  return {
    ask: ({ port, path = '/verify', query = '', headers, script, refused }) =>
      loadOf(children[port], `http://127.0.0.1:${port + offset}${path}${query}`, { headers, script, mayRefuse: refused }),
    stop: async () => { for (const child of Object.values(children)) await stop(child) }
  }
}

function report (rows, runs) {
  const data = rows.map(({ name }, index) => {
    const [now, other] = runs[index]
    return {
      name,
      rate: ratioOf(now, other, ({ rate }) => rate),
      cpu: ratioOf(other, now, ({ cpu }) => cpu),
      cpuNow: medianOf(now, ({ cpu }) => cpu),
      cpuOther: medianOf(other, ({ cpu }) => cpu)
    }
  })
  const markdown = table([
    ['row', 'requests/s, this ÷ other: min / median / max', "other's CPU ÷ this", 'CPU µs a request, other → this'],
    ...data.map(({ name, rate, cpu, cpuNow, cpuOther }) => [
      name, spread(rate), spread(cpu), `${cpuOther.toFixed(1)} → ${cpuNow.toFixed(1)}`
    ])
  ])
  const note = `${STARTS} starts of each build, ${ROUNDS} rounds of ${SECONDS} s a start and row, in turn; ${GENERATOR} ` +
    'with 32 connections; above 1 this build is the faster one.'
  return { name: 'pairs', markdown: `${markdown}\n\n${note}`, data: { rows: data } }
}
