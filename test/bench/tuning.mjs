// What each way of connecting a proxy costs it and this service: CPU time a request, which other work on the machine
// moves less than the rate. The shipped configuration, and the same with one change.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  answers, atHome, certificateIn, cpuOf, interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, start, startServer,
  startService, table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'
import { COMMANDS, configure, edit, versionsOf } from './proxy.mjs'

const [RESOLVER, APP, PLAIN, TLS, UNIX, FIRST] = [21860, 21861, 21862, 21864, 21866, 21870]
const LIST = `authResponseHeaders: [${
  ['Session-Valid', 'User-Id', 'User-Anonymous', 'User-Verified', 'User-Roles', 'Session-Amr',
    'Session-Authenticated-At', 'User-Can-Reauthenticate', 'Client-Id', 'Scope'].map((name) => `X-Authgear-${name}`)
}]`
const HTTP2 = { from: 'http_protocol_options: {}', to: 'http2_protocol_options: {}', file: 'envoy.yaml' }

/** The first row of a proxy is what the others are compared with. */
const ROWS = [
  { name: 'nginx', proxy: 'nginx' },
  { name: 'nginx, unix socket', proxy: 'nginx', socket: 'nginx.conf' },
  {
    name: 'nginx, `access_log off`',
    proxy: 'nginx',
    change: { file: 'nginx.conf', from: 'events {}\nhttp {', to: 'events {}\nhttp {\n  access_log off;' }
  },
  { name: 'Caddy', proxy: 'caddy' },
  { name: 'Caddy, TLS and HTTP/2', proxy: 'caddy', isTls: true },
  { name: 'Traefik, plain HTTP', proxy: 'traefik' },
  { name: 'Traefik, TLS and HTTP/2', proxy: 'traefik', isTls: true },
  {
    name: 'Traefik, TLS and HTTP/2, a list of names in place of the pattern',
    proxy: 'traefik',
    isTls: true,
    change: { file: 'dynamic.yml', from: /authResponseHeadersRegex: ".*"/, to: LIST }
  },
  {
    name: 'Traefik, TLS and HTTP/2, every request header is passed on',
    proxy: 'traefik',
    isTls: true,
    change: { file: 'dynamic.yml', from: /authRequestHeaders:\n(?: +- .*\n)+/, to: '' }
  },
  { name: 'Envoy, HTTP/1.1', proxy: 'envoy' },
  { name: 'Envoy, TLS and HTTP/1.1', proxy: 'envoy', isTls: true },
  { name: 'Envoy, TLS and HTTP/2', proxy: 'envoy', isTls: true, change: HTTP2 },
  { name: 'HAProxy', proxy: 'haproxy' }
].filter(({ proxy }) => (process.env.BENCH_PROXIES ?? proxy).split(',').includes(proxy))

export const tuning = () => atHome('tuning', async (home, children) => {
  const services = await startServices(home, children)
  const running = []
  for (const [index, row] of ROWS.entries()) {
    running.push(await startProxy(home, row, FIRST + index, children, services))
  }
  return report(await interleaved(running, measure))
})

async function startServices (home, children) {
  const { ca, files } = certificateIn(home, 'localhost')
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` }
  const socket = join(home, 'forward-auth.sock')
  children.push(await startServer('resolver', RESOLVER, 1), await startServer('app', APP, 1))
  const plain = await startService(PLAIN, env)
  const secure = await startService(TLS, { ...env, ...files })
  const unix = await startService(UNIX, { ...env, LISTEN: `unix:${socket}` })
  children.push(plain, secure, unix)
  return { plain, secure, unix, socket, ca }
}

/** @returns the proxy, the service that it asks, and its port */
async function startProxy (home, row, port, children, { plain, secure, unix, socket, ca }) {
  const dir = join(home, String(port))
  mkdirSync(dir)
  // Envoy reads no certificate of `cert` for an address (docs/tls.md)
  const adapter = row.isTls ? `https://localhost:${TLS}` : `http://127.0.0.1:${PLAIN}`
  configure(dir, { ...row, adapter, port, app: APP, ca })
  if (row.socket) edit(join(dir, row.socket), (text) => text.replace(`127.0.0.1:${PLAIN}`, `unix:${socket}`))
  if (row.change) edit(join(dir, row.change.file), (text) => text.replace(row.change.from, row.change.to))
  const child = start(...COMMANDS[row.proxy], { cwd: dir, core: 0 })
  children.push(child)
  await answers(`http://127.0.0.1:${port}/`)
  return { child, service: row.socket ? unix : row.isTls ? secure : plain, port }
}

async function measure ({ child, service, port }, index, round) {
  const before = [cpuOf(child), cpuOf(service)]
  const { rate, requests, refused } = await load(`http://127.0.0.1:${port}/`, {
    headers: ['Host: app.example.com', `Authorization: Bearer ${TOKEN}`], seconds: SECONDS
  })
  // while it warms 32 connections are opened at once, by TLS on a core that two programs share
  if (round >= 0 && refused > 0) throw new Error(`${ROWS[index].name}: ${refused} refused`)
  const [proxy, ours] = [child, service].map((one, at) => (cpuOf(one) - before[at]) / requests * 1e6)
  return { rate, proxy, ours }
}

function report (runs) {
  const median = (index, what) => medianOf(runs[index], (run) => run[what])
  const rows = ROWS.map(({ name, proxy }, index) => {
    const first = ROWS.findIndex((row) => row.proxy === proxy)
    const rate = ratioOf(runs[index], runs[first], (run) => run.rate)
    return { name, proxy: median(index, 'proxy'), ours: median(index, 'ours'), perSecond: median(index, 'rate'), rate }
  })
  const markdown = table([
    ['configuration', 'proxy, CPU µs a request', 'this service', 'together', 'requests/s', 'rate to its first row'],
    ...rows.map(({ name, proxy, ours, perSecond, rate }) => [
      name, proxy.toFixed(0), ours.toFixed(0), (proxy + ours).toFixed(0), thousands(perSecond),
      spread(rate)
    ])
  ])
  return {
    name: 'tuning',
    markdown: `${markdown}

${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections, proxy and service on one core; CPU time ` +
      `is the median. ${versionsOf([...new Set(ROWS.map(({ proxy }) => proxy))])}.`,
    data: { rows, runs }
  }
}
