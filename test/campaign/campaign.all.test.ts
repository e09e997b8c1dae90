import { join } from 'node:path'
import t from 'tap'
import { startChild } from '../helpers/child.ts'
import { skipOrFail } from '../helpers/servers.ts'

/** Of each form of Redis; `npm run campaign` asks for an hour. */
const SECONDS = 30
const SEED = '20261126'

t.setTimeout(900_000)

t.test('no situation exceeds its bound in two minutes of the campaign', {
  skip: skipOrFail('redis-server', 'valkey-server')
}, async (t) => {
  const child = await startChild(t, {
    name: 'campaign',
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts')],
    env: {
      CAMPAIGN_SECONDS: String(SECONDS),
      CAMPAIGN_SEED: process.env['CAMPAIGN_SEED'] ?? SEED,
      CAMPAIGN_SHRINK_SECONDS: '0'
    },
    ready: (output) => output.includes('seed')
  })
  const ended = await child.ended
  for (const line of child.output().split('\n')) t.comment(line.slice(0, 2000))
  t.equal(ended, 0)
  for (const topology of ['standalone', 'sentinel', 'cluster', 'valkey']) {
    t.match(child.output(), new RegExp(`^${topology}: [1-9]\\d* rounds, [1-9]\\d* requests, 0 violations`, 'm'))
  }
})
