// What revocations cost as they become more: two replicas, one of which gets the webhooks, and their Redis; and how
// long one of them takes to hold on both.
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import {
  cpuOf, rssOf, sharing, startRedis, startService, stop, summary, table, thousands, totalsOf, untilShared
} from './lib.mjs'

const RATES = [0, 10, 100, 300, 1000]
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const [FIRST, SECOND, REDIS] = [21760, 21762, 21764]
const SECRET = 'a webhook secret of the bench'
/** What a webhook is answered whose revocation is in the log. */
const TAKEN = 204
/** Between two users of the measurement, which cost something themselves. */
const PAUSE_MS = 200
/** Webhooks go out in batches of this many milliseconds. */
const BATCH_MS = 20

export async function revocations () {
  const simulator = buildSimulator()
  const env = {
    AUTHGEAR_ENDPOINT: await simulator.listen(),
    AUTHGEAR_WEBHOOK_SECRET: SECRET,
    ...sharing(REDIS)
  }
  const redisServer = await startRedis(REDIS)
  const redis = new Redis(REDIS)
  const replicas = [await startService(FIRST, env), await startService(SECOND, env)]
  const webhooks = new Pool(`http://127.0.0.1:${FIRST}`, { connections: 32 })
  try {
    await untilShared([FIRST, SECOND])
    const rows = []
    for (const rate of RATES) rows.push(await measure({ rate, simulator, redis, redisServer, replicas, webhooks }))
    return report(rows)
  } finally {
    redis.disconnect()
    await webhooks.destroy()
    await simulator.close()
    for (const child of [...replicas, redisServer]) await stop(child)
  }
}

async function measure ({ rate, simulator, redis, redisServer, replicas, webhooks }) {
  const processes = [...replicas, redisServer]
  const before = { cpu: processes.map(cpuOf), redis: await totalsOf(redis), at: performance.now() }
  const sending = { ends: before.at + SECONDS * 1000, sent: 0, refused: 0 }
  const sender = send(webhooks, rate, sending)
  const times = []
  while (performance.now() < sending.ends) {
    times.push(await untilRefused(simulator, webhooks, times.length))
    await sleep(PAUSE_MS)
  }
  await sender
  const seconds = (performance.now() - before.at) / 1000
  const after = await totalsOf(redis)
  const [first, second, server] = processes.map((one, index) => (cpuOf(one) - before.cpu[index]) / seconds)
  return {
    rate,
    taken: sending.sent / seconds,
    refused: sending.refused,
    cpu: { first, second, server },
    commands: (after.commands - before.redis.commands) / seconds,
    bytes: (after.bytes - before.redis.bytes) / seconds,
    rss: Math.max(...replicas.map(rssOf)),
    log: after.memory,
    times: summary(times)
  }
}

/** Users that nobody has signed in as: what is measured is the log, not who is refused. */
async function send (webhooks, rate, sending) {
  const began = performance.now()
  let due = 0
  const under = new Set()
  while (performance.now() < sending.ends) {
    for (const until = rate * (performance.now() - began) / 1000; due < until; due++) {
      const one = post(webhooks, `nobody-${rate}-${due}`).then((status) => {
        if (status === TAKEN) sending.sent++
        else sending.refused++
      }, () => { sending.refused++ }).finally(() => under.delete(one))
      under.add(one)
    }
    await sleep(BATCH_MS)
  }
  await Promise.all(under)
}

let events = 0
async function post (webhooks, userId) {
  const body = JSON.stringify({
    id: `event-${events++}`, type: 'user.disabled', payload: { user: { id: userId } }, context: {}
  })
  const { statusCode, body: answer } = await webhooks.request({
    path: '/webhook',
    method: 'POST',
    body,
    headers: { 'x-authgear-body-signature': createHmac('sha256', SECRET).update(body).digest('hex') }
  })
  await answer.dump()
  return statusCode
}

/** Milliseconds from the webhook's sending until both replicas refuse somebody whom both let in. */
async function untilRefused (simulator, webhooks, n) {
  const { accessToken } = simulator.controls.signIn('alice')
  const id = `somebody-${performance.now()}-${n}`
  simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [accessToken] }] })
  const statusAt = async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}/verify`, { headers: { authorization: `Bearer ${accessToken}` } })
    await answer.arrayBuffer()
    return answer.status
  }
  for (const port of [FIRST, SECOND]) {
    const status = await statusAt(port)
    if (status !== 200) throw new Error(`${port} says ${status} before anything was revoked`)
  }
  simulator.controls.disable(id)
  const started = performance.now()
  await post(webhooks, id) // 503 where Redis did not take it in time: it is in the log later
  await Promise.all([FIRST, SECOND].map(async (port) => { while (await statusAt(port) !== 401) await sleep(2) }))
  return performance.now() - started
}

function report (rows) {
  const percent = (share) => `${(share * 100).toFixed(0)} %`
  const markdown = table([
    [
      'webhooks a second: sent', 'taken', '503, held for later', 'CPU of the replica that gets them', 'of the other',
      "Redis' CPU",
      'Redis commands/s', 'Redis kB/s', 'Redis MiB', 'RSS of a replica, MiB', 'until both refuse, ms'
    ],
    ...rows.map(({ rate, taken, refused, cpu, commands, bytes, log, rss, times }) => [
      rate, thousands(taken), refused, percent(cpu.first), percent(cpu.second), percent(cpu.server),
      thousands(commands), thousands(bytes / 1000), log.toFixed(0), rss.toFixed(0),
      `${times.min.toFixed(0)} / **${times.median.toFixed(0)}** / ${times.max.toFixed(0)}`
    ])
  ])
  return {
    name: 'revocations',
    markdown: `${markdown}\n\n${SECONDS} s each; both replicas share one core, Redis, Authgear and the sender the ` +
      'other. One user after the other is signed in, disabled, and asked about until both replicas refuse: ' +
      'min / median / max.',
    data: { rows }
  }
}
