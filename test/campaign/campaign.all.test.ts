import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { skipOrFail } from '../helpers/servers.ts'

/** Of each form of Redis; `npm run campaign` asks for an hour. */
const SECONDS = 30
const SEED = Number(process.env['CAMPAIGN_SEED'] ?? '20261126')
/** Two run side by side: a campaign is mostly waiting. Seeds of their own, for other faults in each. */
const SIDES = [['standalone', 'sentinel'], ['cluster', 'valkey']] as const

t.setTimeout(900_000)

t.test('no situation exceeds its bound in half a minute on each form of Redis', {
  skip: skipOrFail('redis-server', 'valkey-server')
}, async (t) => {
  await Promise.all(SIDES.map(async (topologies, side) => {
    for (const [index, topology] of topologies.entries()) await run(t, topology, SEED + 2 * side + index, side)
  }))
})

async function run (t: Test, topology: string, seed: number, side: number): Promise<void> {
  const child = await startChild(t, {
    name: `campaign on ${topology}`,
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts')],
    env: {
      CAMPAIGN_TOPOLOGY: topology,
      CAMPAIGN_SECONDS: String(SECONDS),
      CAMPAIGN_SEED: String(seed),
      CAMPAIGN_SHRINK_SECONDS: '0',
      TAP_JOB_ID: String(8 + side) // ports of its own: helpers/free-port.ts
    },
    ready: (output) => output.includes('seed')
  })
  const ended = await child.ended
  for (const line of child.output().split('\n')) t.comment(line.slice(0, 2000))
  t.equal(ended, 0, `${topology}: CAMPAIGN_TOPOLOGY=${topology} CAMPAIGN_SEED=${seed} npm run campaign`)
  t.match(child.output(), new RegExp(`^${topology}: [1-9]\\d* rounds, [1-9]\\d* requests, 0 violations.* [1-9]\\d* refused as blocked.* [1-9]\\d* told to apps`, 'm'))
}
