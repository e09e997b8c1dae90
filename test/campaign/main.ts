import { campaign, type Options } from './campaign.ts'
import { hasFirewall, inOwnNamespace } from './firewall.ts'
import type { TopologyName } from './schedule.ts'

/** `npm run campaign`: docs/inside/testing.md, "The campaign". */
const ALL: readonly TopologyName[] = ['standalone', 'sentinel', 'cluster', 'valkey']
const { CAMPAIGN_SECONDS = '3600', CAMPAIGN_TOPOLOGY = 'all', CAMPAIGN_SEED, CAMPAIGN_ROUNDS } = process.env
const { CAMPAIGN_SHRINK_SECONDS = '900', CAMPAIGN_RECORD, CAMPAIGN_SESSION } = process.env
const MAX_SEED = 1_000_000_000

async function main (): Promise<void> {
  const seed = Number(CAMPAIGN_SEED ?? Date.now() % MAX_SEED)
  const options: Options = {
    rounds: CAMPAIGN_ROUNDS?.split(',').map(Number),
    shrinkSeconds: Number(CAMPAIGN_SHRINK_SECONDS),
    records: CAMPAIGN_RECORD !== undefined && CAMPAIGN_SESSION !== 'own' // other bounds
  }
  for (const topology of topologies()) {
    const plan = { means: { topology, hasKernel: hasFirewall() }, seed, seconds: Number(CAMPAIGN_SECONDS) }
    if (!await campaign(plan, options)) process.exitCode = 1
  }
}

function topologies (): readonly TopologyName[] {
  if (CAMPAIGN_TOPOLOGY === 'all') return ALL
  return CAMPAIGN_TOPOLOGY.split(',').map((name) => {
    const found = ALL.find((one) => one === name)
    if (found === undefined) throw new Error(`CAMPAIGN_TOPOLOGY: ${name} is none of all, ${ALL.join(', ')}`)
    return found
  })
}

const exitCode = inOwnNamespace()
if (exitCode === undefined) await main()
else process.exitCode = exitCode
