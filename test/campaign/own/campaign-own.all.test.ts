import { join } from 'node:path'
import t from 'tap'
import { startChild } from '../../helpers/child.ts'

const SECONDS = 40
const SEED = Number(process.env['CAMPAIGN_SEED'] ?? '20261128')

t.setTimeout(900_000)

for (const [index, topology] of (['standalone', 'sentinel'] as const).entries()) {
  t.test(`sessions of our own: nobody is logged out but by Authgear, on ${topology}`, async (t) => {
    const seed = SEED + index
    const child = await startChild(t, {
      name: `campaign on ${topology}`,
      command: process.execPath,
      args: [join(import.meta.dirname, '../main.ts')],
      env: {
        CAMPAIGN_SESSION: 'own',
        CAMPAIGN_TOPOLOGY: topology,
        CAMPAIGN_SECONDS: String(SECONDS),
        CAMPAIGN_SEED: String(seed),
        CAMPAIGN_SHRINK_SECONDS: '0'
      },
      ready: (output) => output.includes('seed')
    })
    const ended = await child.ended
    for (const line of child.output().split('\n')) t.comment(line.slice(0, 2000))
    t.equal(ended, 0, `CAMPAIGN_SESSION=own CAMPAIGN_TOPOLOGY=${topology} CAMPAIGN_SEED=${seed} npm run campaign`)
    t.match(child.output(), new RegExp(`^${topology}: [1-9]\\d* rounds, [1-9]\\d* requests, 0 violations`, 'm'))
  })
}
