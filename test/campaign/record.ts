import { readFileSync, writeFileSync } from 'node:fs'
import type { Plan } from './campaign.ts'
import type { Outcome } from './run.ts'

const FILE = new URL('../../docs/campaign.json', import.meta.url)

/** Keeps the newest run of each topology; `npm run docs` makes the table of them. */
export function record ({ means, seed, seconds }: Plan, outcome: Outcome): void {
  const all = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown>
  all[means.topology] = {
    date: new Date().toISOString().slice(0, 10),
    seed,
    seconds,
    kernel: means.hasKernel,
    rounds: outcome.rounds.length,
    requests: outcome.requests,
    violations: outcome.violations.length,
    startedAgain: outcome.startedAgain,
    blocks: outcome.blocks,
    measures: outcome.measures
  }
  writeFileSync(FILE, `${JSON.stringify(all, undefined, 2)}\n`)
}
