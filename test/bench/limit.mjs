// How much of what an app loses behind a proxy is ours: the same proxy and app, in turn with this build, with another
// build (BENCH_OTHER, its dist/main.js), and with the best service there could be: an nginx that returns the same
// headers from memory. Proxy and service share one core.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  answers, atHome, certificateIn, cpuOf, interleaved, MAIN, medianOf, ratioOf, ROUNDS, SECONDS, spread, start,
  startServer, startService, table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'
import { COMMANDS, configure, isWanted, versionsOf } from './proxy.mjs'
import { HEADERS } from './servers.mjs'

const CLIENTS = 32
const [RESOLVER, APP, FIRST_PROXY] = [21960, 21961, 22000]
const RESOLVER_URL = `http://127.0.0.1:${RESOLVER}`
const ROWS = [
  { name: 'Traefik', proxy: 'traefik' },
  { name: 'Traefik, TLS and HTTP/2', proxy: 'traefik', isTls: true },
  { name: 'Caddy', proxy: 'caddy' },
  { name: 'nginx', proxy: 'nginx' },
  { name: 'Envoy, HTTP', proxy: 'envoy' },
  { name: 'HAProxy', proxy: 'haproxy' }
].filter(isWanted)
/** By what stands behind the proxy: the first of its ports. */
const SIDES = { ours: 21970, limit: 21980, ...process.env.BENCH_OTHER === undefined ? {} : { other: 21990 } }

export const limit = () => atHome('limit', async (home, children) => {
  const tls = certificateIn(home, '127.0.0.1')
  children.push(await startServer('resolver', RESOLVER, 1), await startServer('app', APP, 1))
  const sides = []
  for (const [index, row] of ROWS.entries()) {
    for (const [at, [side, port]] of Object.entries(SIDES).entries()) {
      sides.push({ row, side, port, listen: FIRST_PROXY + index * 3 + at, dir: join(home, `${index}-${side}`) })
    }
  }
  const services = await startServices(home, children, tls)
  for (const side of sides) children.push(await startProxy(side, tls))
  const runs = await interleaved(sides, (side) => measure(side, services[side.side]))
  return report(ROWS.map((row) => Object.fromEntries(
    sides.flatMap((side, index) => side.row === row ? [[side.side, runs[index]]] : []))))
})

/** Each listens without TLS on its first port, and with TLS on the third. @returns by side, its two processes */
async function startServices (home, children, { files }) {
  const services = { limit: [await startLimit(join(home, 'limit'), files)] }
  for (const [side, main] of [['ours', MAIN], ['other', process.env.BENCH_OTHER]]) {
    if (main === undefined) continue
    const env = { AUTHGEAR_ENDPOINT: RESOLVER_URL }
    services[side] = [
      await startService(SIDES[side], env, 0, main), await startService(SIDES[side] + 2, { ...env, ...files }, 0, main)
    ]
  }
  children.push(...Object.values(services).flat())
  return services
}

/** Answers every path with the headers of our 200. */
async function startLimit (dir, { LISTEN_TLS_CERT_FILE: cert, LISTEN_TLS_KEY_FILE: key }) {
  mkdirSync(dir, { recursive: true })
  const lines = HEADERS.flatMap((name, index) =>
    index % 2 === 0 && name !== 'content-length' ? [`add_header ${name} "${HEADERS[index + 1]}";`] : [])
  writeFileSync(join(dir, 'nginx.conf'), `events { worker_connections 8192; } http {
    access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
    server {
      listen 127.0.0.1:${SIDES.limit}; listen 127.0.0.1:${SIDES.limit + 2} ssl; http2 on;
      ssl_certificate ${cert}; ssl_certificate_key ${key};
      location / { ${lines.join(' ')} return 200; }
    } }`)
  const child = start(...COMMANDS.nginx, { cwd: dir })
  await answers(`http://127.0.0.1:${SIDES.limit}/`, 200)
  return child
}

async function startProxy ({ row, port, listen, dir }, { ca }) {
  const adapter = row.isTls ? `https://127.0.0.1:${port + 2}` : `http://127.0.0.1:${port}`
  configure(dir, { ...row, adapter, port: listen, app: APP, ca })
  const child = start(...COMMANDS[row.proxy], { cwd: dir })
  await answers(`http://127.0.0.1:${listen}/`)
  return child
}

/** @returns the rate, and the microseconds of CPU that a request took the service */
async function measure ({ row, listen }, services) {
  const cpu = () => services.reduce((sum, service) => sum + cpuOf(service), 0)
  const before = cpu()
  const run = await load(`http://127.0.0.1:${listen}/`, {
    headers: ['Host: app.example.com', `Authorization: Bearer ${TOKEN}`], clients: CLIENTS, seconds: SECONDS
  })
  if (run.refused > 0) throw new Error(`${row.name}: ${run.refused} of ${run.requests} were refused`)
  return { rate: run.rate, cpu: (cpu() - before) / run.requests * 1e6 }
}

function report (runs) {
  const rows = runs.map(rowOf)
  return { name: 'limit', markdown: `${tableOf(rows)}\n\n${note()}`, data: { rows } }
}

/** @param runs of one proxy, by what stands behind it */
function rowOf ({ ours, limit, other }, index) {
  const rate = (run) => run.rate
  const cpu = (run) => run.cpu
  return {
    name: ROWS[index].name,
    rate: medianOf(ours, rate),
    limit: medianOf(limit, rate),
    share: ratioOf(ours, limit, rate),
    cpu: medianOf(ours, cpu),
    other: other && {
      share: ratioOf(other, limit, rate), faster: ratioOf(ours, other, rate), cpu: medianOf(other, cpu)
    }
  }
}

function tableOf (rows) {
  return table([
    [
      'proxy', 'requests/s', 'the limit', 'share of the limit: min / median / max', "the other build's share",
      'this build ÷ the other', 'CPU of this service, µs a request: the other build, this one'
    ],
    ...rows.map(({ name, rate, limit, share, cpu, other }) => [
      name, thousands(rate), thousands(limit), spread(share), ...other === undefined
        ? ['', '', cpu.toFixed(0)]
        : [spread(other.share), spread(other.faster), `${other.cpu.toFixed(0)}, ${cpu.toFixed(0)}`]
    ])
  ])
}

function note () {
  return `${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with ${CLIENTS} connections; proxy and service ` +
    'share one core, app and load the other. The limit is an nginx that answers each question from memory with the ' +
    `same headers. ${versionsOf(ROWS.map(({ proxy }) => proxy))}.`
}
