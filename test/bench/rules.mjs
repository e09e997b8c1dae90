// How a memory hit with a rule by address compares with one without: three services on one core, asked in turn.
import { generateKeyPairSync } from 'node:crypto'
import {
  interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, startServer, startService, stop, table
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'

const STARTS = Number(process.env.BENCH_STARTS ?? 4)
const PEOPLE = 21200
/** Ends as an id of a user does: no other is asked about. */
const TOKEN = 'benchAccessTokenOfAda00000000000'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PROFILE = {
  AUTHGEAR_ADMIN_API_URL: `http://127.0.0.1:${PEOPLE}/graphql`,
  AUTHGEAR_ADMIN_API_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  AUTHGEAR_ADMIN_API_KEY_ID: 'bench',
  AUTHGEAR_APP_ID: 'bench',
  AUTHGEAR_AUDIT_POLL: '10s',
  IDENTITY_PROFILE: 'email'
}
const ROWS = [
  { name: 'no rule, no profile', port: 21210, env: { ALLOW: 'anyone' } },
  { name: 'no rule, the address as a header', port: 21220, env: { ALLOW: 'anyone', ...PROFILE } },
  { name: '`ALLOW=email_domain=example.com`', port: 21230, env: { ALLOW: 'email_domain=example.com', ...PROFILE } }
]

export async function rules () {
  const people = await startServer('people', PEOPLE, 1)
  const runs = ROWS.map(() => [])
  try {
    for (let index = 0; index < STARTS; index++) {
      for (const [row, rounds] of (await measure()).entries()) runs[row].push(...rounds)
    }
    return report(runs)
  } finally {
    await stop(people)
  }
}

/** All services from their start to their end. */
async function measure () {
  const children = []
  try {
    for (const { port, env } of ROWS) {
      children.push(await startService(port, { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${PEOPLE}`, ...env }))
    }
    return await interleaved(ROWS, ({ port }, index) =>
      loadOf(children[index], `http://127.0.0.1:${port}/verify`, { headers: [`Authorization: Bearer ${TOKEN}`] }))
  } finally {
    for (const child of children) await stop(child)
  }
}

function report (runs) {
  const [none, header] = runs
  const data = ROWS.map(({ name }, index) => ({
    name,
    cpu: medianOf(runs[index], ({ cpu }) => cpu),
    toNone: ratioOf(none, runs[index], ({ cpu }) => cpu),
    toHeader: ratioOf(header, runs[index], ({ cpu }) => cpu),
    rate: ratioOf(runs[index], header, ({ rate }) => rate)
  }))
  const markdown = table([
    [
      'memory hit', 'CPU µs a request', 'CPU of the first ÷ this', 'CPU of the second ÷ this',
      'requests/s ÷ the second'
    ],
    ...data.map(({ name, cpu, toNone, toHeader, rate }) =>
      [name, cpu.toFixed(1), spread(toNone), spread(toHeader), spread(rate)])
  ])
  const note = `${STARTS} starts, ${ROUNDS} rounds of ${SECONDS} s a start and row, in turn; ${GENERATOR} with 32 ` +
    'connections; min / median / max.'
  return { name: 'rules', markdown: `${markdown}\n\n${note}`, data: { rows: data } }
}
