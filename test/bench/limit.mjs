// How much of what an app loses behind a proxy is ours: the same proxy and app, with the best possible auth service in
// our place, an nginx that answers every question from memory with the same headers; and with a bare `node:http`, which
// shows how much of the rest is Node's. Needs Node 22.17, for HTTP/2.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  answers, atHome, certificateIn, interleaved, medianOf, ROUNDS, SECONDS, spread, start, startServer, startService,
  summary, table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'
import { COMMANDS, configure, edit, versionsOf } from './proxy.mjs'
import { HEADERS } from './servers.mjs'
import { steady } from './steady.mjs'

const CLIENTS = 32
/** Of what we can take, for the milliseconds that are added. */
const LOAD = 0.6
const [RESOLVER, APP, FIRST] = [21960, 21961, 21970]
/** What differs between the two placements is the service's core; app and load generator always share the other one. */
const PLACES = [
  { name: 'one core', serviceCore: 0, target: 0.8 },
  { name: 'a core of its own', serviceCore: 1, target: 0.95 }
]
const ROWS = [
  { name: 'nginx', proxy: 'nginx' },
  { name: 'nginx, unix socket', proxy: 'nginx', isUnix: true },
  { name: 'Caddy', proxy: 'caddy' },
  { name: 'Traefik, plain HTTP', proxy: 'traefik' },
  { name: 'Traefik, TLS and HTTP/2', proxy: 'traefik', isTls: true },
  { name: 'Envoy, HTTP', proxy: 'envoy' },
  { name: 'HAProxy', proxy: 'haproxy' }
].filter(({ proxy }) => (process.env.BENCH_PROXIES ?? proxy).split(',').includes(proxy))

export const limit = () => atHome('limit', async (home) => {
  const tls = certificateIn(home, '127.0.0.1')
  const results = []
  for (const [index, place] of PLACES.entries()) {
    results.push({ place, rows: await measurePlace(tls, place, FIRST + index * 40) })
  }
  return report(results)
})

/** The three services, and each proxy before each of them. */
const measurePlace = (tls, { serviceCore }, port) => atHome('limit', async (home, children) => {
  const other = 1 - serviceCore
  const services = {
    ours: { plain: port, tls: port + 2, socket: join(home, 'ours.sock') },
    best: { plain: port + 4, tls: port + 5, socket: join(home, 'best.sock') },
    bare: { plain: port + 6 }
  }
  children.push(...await startServices(home, tls, { serviceCore, services, other, unixManagement: port + 8 }))
  const sides = []
  for (const [index, row] of ROWS.entries()) {
    const ports = {}
    for (const [side, [name, at]] of Object.entries(services).entries()) {
      if (name === 'bare' && (row.isTls || row.isUnix)) continue
      ports[name] = port + 10 + index * 3 + side
      children.push(await startProxy(join(home, `${index}-${name}`), row, at, ports[name], tls))
    }
    sides.push(ports)
  }
  return await interleaved(sides, (ports, _index, round) => measure(ports, other, round))
})

async function startProxy (dir, row, at, port, { ca }) {
  const adapter = row.isTls ? `https://127.0.0.1:${at.tls}` : `http://127.0.0.1:${at.plain}`
  configure(dir, { ...row, adapter, port, app: APP, ca })
  if (row.isUnix) edit(join(dir, 'nginx.conf'), (text) => text.replace(`127.0.0.1:${at.plain}`, `unix:${at.socket}`))
  const child = start(...COMMANDS[row.proxy], { cwd: dir, core: 0 })
  await answers(`http://127.0.0.1:${port}/`)
  return child
}

async function startServices (home, { files }, { serviceCore, services: { ours, best, bare }, other, unixManagement }) {
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` }
  const children = [
    await startServer('resolver', RESOLVER, other),
    await startServer('app', APP, other),
    await startService(ours.plain, env, serviceCore),
    await startService(ours.tls, { ...env, ...files }, serviceCore),
    await startService(unixManagement - 1, { ...env, LISTEN: `unix:${ours.socket}` }, serviceCore),
    await startServer('bare', bare.plain, serviceCore),
    start(...bestPossible(join(home, 'best'), files, best), { core: serviceCore })
  ]
  await answers(`http://127.0.0.1:${best.plain}/`)
  return children
}

/** Every path, from memory, with the headers of a 200 of ours. */
function bestPossible (dir, { LISTEN_TLS_CERT_FILE: cert, LISTEN_TLS_KEY_FILE: key }, { plain, tls, socket }) {
  mkdirSync(dir, { recursive: true })
  const lines = HEADERS.flatMap((name, index) =>
    index % 2 === 0 && name !== 'content-length' ? [`add_header ${name} "${HEADERS[index + 1]}";`] : [])
  writeFileSync(join(dir, 'nginx.conf'), `events { worker_connections 8192; } http {
    access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
    server {
      listen 127.0.0.1:${plain}; listen unix:${socket}; listen 127.0.0.1:${tls} ssl; http2 on;
      ssl_certificate ${cert}; ssl_certificate_key ${key};
      location / {
        ${lines.join(' ')}
        return 200;
      }
    } }`)
  return ['nginx', ['-p', dir, '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;']]
}

/** Ours and the limit in turn, first as much as goes and then at a steady load. */
async function measure ({ ours, best, bare }, core, round) {
  const rates = { ours: await most(ours, core), best: await most(best, core), bare: await most(bare, core) }
  if (round < 0) return undefined
  const rate = LOAD * Math.min(rates.ours, rates.best)
  return { ...rates, oursAtLoad: await steady(ours, rate, core), bestAtLoad: await steady(best, rate, core) }
}

/** Requests a second; undefined where there is nothing to ask. */
async function most (port, core) {
  if (port === undefined) return undefined
  const run = await load(`http://127.0.0.1:${port}/`, {
    headers: ['Host: app.example.com', `Authorization: Bearer ${TOKEN}`], clients: CLIENTS, seconds: SECONDS, core
  })
  if (run.refused > 0) throw new Error(`port ${port}: ${run.refused} refused`)
  return run.rate
}

function report (results) {
  const rows = results.flatMap(({ place, rows }) => rows.map((runs, index) => ({
    name: ROWS[index].name,
    place: place.name,
    target: place.target,
    ours: medianOf(runs, ({ ours }) => ours),
    best: medianOf(runs, ({ best }) => best),
    ratio: summary(runs.map(({ ours, best }) => ours / best)),
    ofBare: runs[0].bare === undefined ? undefined : summary(runs.map(({ ours, bare }) => ours / bare)),
    p50: summary(runs.map(({ oursAtLoad, bestAtLoad }) => oursAtLoad.p50 - bestAtLoad.p50)),
    p99: summary(runs.map(({ oursAtLoad, bestAtLoad }) => oursAtLoad.p99 - bestAtLoad.p99))
  })))
  const markdown = table([
    [
      'proxy', 'service on', 'ours, requests/s', 'the limit', 'ours ÷ limit', 'goal', 'ours ÷ bare Node',
      'ms more at p50', 'ms more at p99'
    ],
    ...rows.map(({ name, place, target, ours, best, ratio, ofBare, p50, p99 }) => [
      name, place, thousands(ours), thousands(best), spread(ratio), `≥ ${target}`, ofBare ? spread(ofBare) : '–',
      spread(p50), spread(p99)
    ])
  ])
  return {
    name: 'limit',
    markdown: `${markdown}

${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with ${CLIENTS} connections; ` +
      'min / median / max. The proxy has one core, which the service shares or leaves to it; app and load share the ' +
      'other. The limit is an nginx that answers each question from memory with the same headers. Milliseconds: at ' +
      `${LOAD * 100} % of our rate, sent on time whatever the answers do. ` +
      `${versionsOf([...new Set(ROWS.map(({ proxy }) => proxy))])}.`,
    data: { rows }
  }
}
