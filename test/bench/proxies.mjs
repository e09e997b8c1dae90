// What the check costs an app behind a real proxy: the same proxy without it, with it, and for Traefik over plain HTTP
// and HTTP/2.
import { join } from 'node:path'
import {
  answers, atHome, certificateIn, interleaved, medianOf, ratioOf, SECONDS, spread, start, startServer, startService,
  table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'
import { COMMANDS, configure, isWanted, versionsOf } from './proxy.mjs'

/** Proxy and service on core 0, the app and the load generator on core 1. */
const CLIENTS = [1, 8, 32, 128]
const ROUNDS = Number(process.env.BENCH_PROXY_ROUNDS ?? 3)
const [RESOLVER, APP, PLAIN, TLS, GRPC] = [20960, 20961, 20970, 20980, 20975]

const ROWS = [
  { name: 'Traefik, no check', proxy: 'traefik' },
  { name: 'Traefik, plain HTTP/1.1', proxy: 'traefik', adapter: `http://127.0.0.1:${PLAIN}` },
  { name: 'Traefik, TLS and HTTP/2', proxy: 'traefik', adapter: `https://127.0.0.1:${TLS}` },
  { name: 'Caddy, no check', proxy: 'caddy' },
  { name: 'Caddy', proxy: 'caddy', adapter: `http://127.0.0.1:${PLAIN}` },
  { name: 'nginx, no check', proxy: 'nginx' },
  { name: 'nginx', proxy: 'nginx', adapter: `http://127.0.0.1:${PLAIN}` },
  { name: 'Envoy, no check', proxy: 'envoy' },
  { name: 'Envoy, HTTP', proxy: 'envoy', adapter: `http://127.0.0.1:${PLAIN}` },
  { name: 'Envoy, gRPC', proxy: 'envoy', snippet: 'envoy-grpc', adapter: `http://127.0.0.1:${PLAIN}` }
].filter(isWanted)
const GAINS = [
  ['HTTP/2 ÷ plain behind Traefik', 'Traefik, TLS and HTTP/2', 'Traefik, plain HTTP/1.1'],
  ['gRPC ÷ HTTP behind Envoy', 'Envoy, gRPC', 'Envoy, HTTP']
]

export const proxies = () => atHome('proxies', async (home, children) => {
  const { ca, files } = certificateIn(home, '127.0.0.1')
  children.push(...await startServices(files))
  for (const [index, row] of ROWS.entries()) {
    const dir = configure(join(home, String(index)), {
      adapter: `http://127.0.0.1:${PLAIN}`,
      ...row,
      isChecked: row.adapter !== undefined,
      port: portOf(index),
      app: APP,
      grpc: GRPC,
      ca
    })
    children.push(start(...COMMANDS[row.proxy], { cwd: dir }))
    await answers(`http://127.0.0.1:${portOf(index)}/`)
  }
  const asked = CLIENTS.flatMap((clients) => ROWS.map((_, index) => ({ clients, index })))
  const runs = await interleaved(asked, measure, ROUNDS)
  return report(ROWS.map((_, index) => CLIENTS.map((_, at) => runs[at * ROWS.length + index])))
})

const portOf = (index) => 20990 + index

async function startServices (files) {
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` }
  return [
    await startServer('resolver', RESOLVER, 1),
    await startServer('app', APP, 1),
    await startService(PLAIN, { ...env, LISTEN_GRPC: `127.0.0.1:${GRPC}` }),
    await startService(TLS, { ...env, ...files })
  ]
}

async function measure ({ index, clients }) {
  const run = await load(`http://127.0.0.1:${portOf(index)}/`, {
    headers: ['Host: app.example.com', `Authorization: Bearer ${TOKEN}`],
    clients,
    seconds: SECONDS
  })
  if (run.refused > 0) throw new Error(`${ROWS[index].name}: ${run.refused} refused`)
  return run
}

function report (runs) {
  const rows = ROWS.map(({ name }, index) => ({
    name,
    clients: CLIENTS.map((_, at) => {
      const base = ROWS.findIndex(({ proxy }) => proxy === ROWS[index].proxy)
      return {
        rate: medianOf(runs[index][at], ({ rate }) => rate),
        ofUnchecked: ratioOf(runs[index][at], runs[base][at], ({ rate }) => rate).median,
        p50: medianOf(runs[index][at], ({ p50 }) => p50)
      }
    })
  }))
  const rowOf = (wanted) => ROWS.findIndex(({ name }) => name === wanted)
  const gains = GAINS.filter(([, ...names]) => names.every((name) => rowOf(name) !== -1)).map(([name, one, other]) => ({
    name,
    clients: CLIENTS.map((_, at) =>
      ratioOf(runs[rowOf(one)][at], runs[rowOf(other)][at], ({ rate }) => rate))
  }))
  const markdown = table([
    ['through', ...CLIENTS.map((clients) => `${clients} client${clients === 1 ? '' : 's'}`)],
    ...rows.map(({ name, clients }) => [
      name,
      ...clients.map(
        ({ rate, ofUnchecked, p50 }) => `${thousands(rate)}/s (${ofUnchecked.toFixed(2)}), ${p50.toFixed(2)} ms`
      )
    ]),
    ...gains.map(({ name, clients }) => [
      `**${name}** (min / median / max)`,
      ...clients.map((gain) => spread(gain))
    ])
  ])
  return {
    name: 'proxies',
    markdown: `${markdown}\n\nRequests a second (share of the same proxy without the check), p50. ${ROUNDS} ` +
      `interleaved rounds of ${SECONDS} s; proxy and service on one core, app and ${GENERATOR} on the other. ` +
      `${versionsOf(ROWS.map(({ proxy }) => proxy))}.`,
    data: { clients: CLIENTS, rows, gains }
  }
}
