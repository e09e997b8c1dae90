// How late a change of a person's address or groups counts at each of three replicas, with the webhook that tells it
// and without. Authgear is the simulator.
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { sharing, startRedis, startService, stop, summary, table, untilShared } from './lib.mjs'

const ROUNDS = { told: Number(process.env.BENCH_ROUNDS ?? 20), untold: Number(process.env.BENCH_UNTOLD ?? 2) }
const [REDIS, REPLICAS] = [21300, [21310, 21320, 21330]]
const ALICE = { id: 'a11ce000-0000-4000-8000-000000000001', token: 'demoAccessTokenOfAlice0000000000' }
const [APP, SECRET] = ['app', 'a webhook secret of the bench']
const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})
const IN = { email: 'alice@example.com', email_verified: true, groups: ['staff'] }
const UNVERIFIED = { ...IN, email_verified: false }
/** From one to the other. */
const CHANGES = {
  'address changed': [IN, { ...IN, email: 'alice@example.org' }],
  'address removed': [IN, { groups: IN.groups }],
  'address no longer verified': [IN, UNVERIFIED],
  'address verified': [UNVERIFIED, IN],
  'group left': [IN, { ...IN, groups: [] }]
}

export async function changes () {
  const simulator = buildSimulator({ adminApi: { appId: APP, keyId: 'bench', publicKey: pair.publicKey } })
  const children = [await startRedis(REDIS)]
  try {
    const url = await simulator.listen({ port: 0 })
    for (const port of REPLICAS) children.push(await startService(port, environmentOf(url)))
    await untilShared(REPLICAS)
    const rows = []
    for (const name of Object.keys(CHANGES)) rows.push(await measure(name, simulator.controls))
    return report(rows)
  } finally {
    for (const child of children) await stop(child)
    await simulator.close()
  }
}

const environmentOf = (url) => ({
  AUTHGEAR_ENDPOINT: url,
  AUTHGEAR_WEBHOOK_SECRET: SECRET,
  AUTHGEAR_ADMIN_API_URL: `${url}/graphql`,
  AUTHGEAR_ADMIN_API_KEY: pair.privateKey,
  AUTHGEAR_ADMIN_API_KEY_ID: 'bench',
  AUTHGEAR_APP_ID: APP,
  IDENTITY_PROFILE: 'email,groups',
  PROFILE_TTL: '10s',
  CACHE_NEGATIVE_TTL: '5s',
  ALLOW: 'email_domain=example.com group=staff',
  ...sharing(REDIS)
})

/** Milliseconds for each replica and round. */
async function measure (name, controls) {
  const [before, after] = CHANGES[name]
  const lateness = { name, told: [], untold: [] }
  for (const how of ['told', 'untold']) {
    for (let round = 0; round < ROUNDS[how]; round++) {
      set(controls, before)
      await tell()
      await untilAll(before === IN)
      set(controls, after)
      const since = performance.now()
      if (how === 'told') await tell()
      lateness[how].push(...await untilAll(after === IN, since))
    }
  }
  return lateness
}

function set (controls, { groups, ...attributes }) {
  controls.setAttributes('alice', attributes)
  controls.setGroups('alice', groups)
}

/** By the event that Authgear sends, to the first replica. */
async function tell () {
  const body = JSON.stringify({
    id: randomUUID(),
    type: 'user.profile.updated',
    payload: { user: { id: ALICE.id } },
    context: { app_id: APP, user_id: ALICE.id }
  })
  const signature = createHmac('sha256', SECRET).update(body).digest('hex')
  const headers = { 'content-type': 'application/json', 'x-authgear-body-signature': signature }
  const { status } = await fetch(`http://127.0.0.1:${REPLICAS[0]}/webhook`, { method: 'POST', headers, body })
  if (status !== 204) throw new Error(`the webhook was answered ${status}`)
}

/** @returns for each replica the milliseconds until it lets alice in, or no longer */
async function untilAll (isIn, since = performance.now()) {
  const wanted = isIn ? 200 : 403
  return await Promise.all(REPLICAS.map(async (port) => {
    for (;;) {
      const { status } = await fetch(`http://127.0.0.1:${port}/verify`, {
        headers: { authorization: `Bearer ${ALICE.token}` }
      })
      if (status === wanted) return performance.now() - since
      if (status !== 200 && status !== 403) throw new Error(`a replica answered ${status}`)
      await sleep(5)
    }
  }))
}

function report (rows) {
  const inWords = (values) => {
    const { median, max } = summary(values)
    return max < 1000
      ? `${median.toFixed(0)} ms, ${max.toFixed(0)} ms`
      : `${(median / 1000).toFixed(1)} s, ${(max / 1000).toFixed(1)} s`
  }
  const markdown = table([
    ['change', 'told by a webhook: median, longest', 'told by nobody, `PROFILE_TTL` 10 s: median, longest'],
    ...rows.map(({ name, told, untold }) => [name, inWords(told), inWords(untold)])
  ])
  const note = `Three replicas on one Redis, ${ROUNDS.told} and ${ROUNDS.untold} rounds, every replica counted.`
  return { name: 'changes', markdown: `${markdown}\n\n${note}`, data: { rows } }
}
