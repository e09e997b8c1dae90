// What a machine with two cores gets of a second replica. Load and service share what they run on, so that one core is
// compared with two: half of a machine with all of it.
import { load } from './load.mjs'
import {
  cpuOf, interleaved, medianOf, ratioOf, ROUNDS, rssOf, SECONDS, sharing, spread, startRedis, startServer,
  startService, stop, table, thousands, TOKEN, untilShared
} from './lib.mjs'

const CLIENTS = 64
const [RESOLVER, REDIS, FIRST] = [22960, 22961, 22970]
const ROWS = [
  { name: 'one replica, one core', cores: '0', ports: [FIRST] },
  { name: 'two replicas, two cores', cores: '0,1', ports: [FIRST + 2, FIRST + 4], target: 1.8 },
  { name: 'one replica, two cores', cores: '0,1', ports: [FIRST + 6] }
]

export async function replicas () {
  const children = []
  try {
    children.push(await startRedis(REDIS, '0,1'), await startServer('resolver', RESOLVER, '0,1'))
    const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`, ...sharing(REDIS) }
    const services = []
    for (const { ports, cores } of ROWS) {
      services.push(await Promise.all(ports.map((port) => startService(port, env, cores))))
      children.push(...services.at(-1))
      await untilShared(ports)
    }
    return report(await interleaved(ROWS, (row, index) => measure(row, services[index])))
  } finally {
    for (const child of children.reverse()) await stop(child)
  }
}

/** Each replica is asked on its share of the connections, as behind a proxy. */
async function measure ({ name, ports, cores }, services) {
  const total = () => services.reduce((sum, one) => sum + cpuOf(one), 0)
  const before = total()
  const runs = await Promise.all(ports.map((port) => load(`http://127.0.0.1:${port}/verify`, {
    headers: [`Authorization: Bearer ${TOKEN}`], clients: CLIENTS / ports.length, seconds: SECONDS, core: cores
  })))
  if (runs.some(({ refused }) => refused > 0)) throw new Error(`${name}: somebody was refused`)
  const requests = runs.reduce((sum, one) => sum + one.requests, 0)
  return {
    rate: runs.reduce((sum, { rate }) => sum + rate, 0),
    cpu: (total() - before) / requests * 1e6,
    rss: Math.max(...services.map(rssOf))
  }
}

function report (runs) {
  const rows = ROWS.map(({ name, target }, index) => ({
    name,
    target,
    rate: medianOf(runs[index], ({ rate }) => rate),
    ratio: ratioOf(runs[index], runs[0], ({ rate }) => rate),
    cpu: medianOf(runs[index], ({ cpu }) => cpu),
    rss: medianOf(runs[index], ({ rss }) => rss)
  }))
  const markdown = table([
    ['memory hits', 'requests/s', 'of one core', 'goal', 'CPU µs a request', 'RSS of one, MiB'],
    ...rows.map(({ name, target, rate, ratio, cpu, rss }) => [
      name, thousands(rate), spread(ratio), target === undefined ? '' : `≥ ${target}`, cpu.toFixed(1), rss.toFixed(0)
    ])
  ])
  return {
    name: 'replicas',
    markdown: `${markdown}\n\n${ROUNDS} interleaved rounds of ${SECONDS} s, ${CLIENTS} connections on the same cores; ` +
      'min / median / max.',
    data: { rows }
  }
}
