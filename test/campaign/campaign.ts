import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasFirewall, inOwnNamespace } from './firewall.ts'
import type { Violation } from './oracle.ts'
import { record } from './record.ts'
import { run, type Outcome } from './run.ts'
import { roundsOf, type Means, type Round, type TopologyName } from './schedule.ts'
import { createScope } from './scope.ts'
import { shrink } from './shrink.ts'
import { startWorld } from './world.ts'

const ALL: readonly TopologyName[] = ['standalone', 'sentinel', 'cluster', 'valkey']
const { CAMPAIGN_SECONDS = '3600', CAMPAIGN_TOPOLOGY = 'all', CAMPAIGN_SEED, CAMPAIGN_ROUNDS } = process.env
const { CAMPAIGN_SHRINK_SECONDS = '900', CAMPAIGN_RECORD } = process.env
const FOLDER = join(import.meta.dirname, '../../.campaign')

export type Plan = Readonly<{ means: Means, seed: number, seconds: number }>

/** One world, these rounds. */
export async function runOnce (
  { means, seed, seconds }: Plan,
  rounds: Iterable<Round>,
  name = `${means.topology}-${seed}`
): Promise<Outcome> {
  const scope = createScope(() => {})
  const file = join(FOLDER, `${name}.jsonl`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, '')
  try {
    const world = await startWorld(scope.t, means.topology)
    const end = performance.now() + seconds * 1000
    return await run(rounds, {
      world,
      isOver: () => performance.now() >= end,
      write: (round, events, violations) => {
        const lines = [{ round }, ...events, ...violations.map(({ what, at }) => ({ kind: 'violation', what, at }))]
        writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'a' })
      }
    })
  } finally {
    await scope.close()
  }
}

/** The shortest schedule that still fails, and the command that repeats it. */
async function cutDown (plan: Plan, { rounds, violations }: Outcome): Promise<void> {
  const end = performance.now() + Number(CAMPAIGN_SHRINK_SECONDS) * 1000
  const known = new Set(violations.map(kindOf))
  const fails = async (subset: readonly Round[]): Promise<boolean> => {
    const { violations: found } = await runOnce({ ...plan, seconds: Infinity }, subset, 'shrunk')
    const isSame = found.some((one) => known.has(kindOf(one)))
    console.log(`  ${subset.length} rounds (${subset.map(({ id }) => id).join(',')}): ${isSame ? 'fails' : 'holds'}`)
    return isSame
  }
  const shortest = await shrink(rounds, fails, () => performance.now() >= end)
  console.log(`shortest schedule that fails: ${JSON.stringify(shortest.map(({ id, faults, holdMs }) => ({ id, holdMs, faults })))}`)
  const names = shortest.map(({ id }) => id).join(',')
  console.log(`again: CAMPAIGN_TOPOLOGY=${plan.means.topology} CAMPAIGN_SEED=${plan.seed} CAMPAIGN_ROUNDS=${names} npm run campaign`)
}

/** What went wrong without its numbers: a shorter run fails in the same way, not by the same milliseconds. */
const kindOf = ({ what }: Violation): string => what.replaceAll(/\d+/g, 'n')

function chosenRounds ({ seed, means }: Plan): Iterable<Round> {
  const rounds = roundsOf(seed, means)
  if (CAMPAIGN_ROUNDS === undefined) return rounds
  const ids = CAMPAIGN_ROUNDS.split(',').map(Number)
  return some(rounds, ids)
}

function * some (rounds: Iterable<Round>, ids: readonly number[]): Generator<Round> {
  for (const round of rounds) {
    if (ids.includes(round.id)) yield round
    if (round.id >= Math.max(...ids)) return
  }
}

async function campaign (plan: Plan): Promise<boolean> {
  const { topology } = plan.means
  console.log(`${topology}: seed ${plan.seed}, ${plan.seconds} s, packets dropped by ${
    plan.means.hasKernel ? 'relays and the kernel' : 'relays alone (no network namespace here)'}`)
  const outcome = await runOnce(plan, chosenRounds(plan))
  const { violations, rounds, requests, startedAgain } = outcome
  console.log(`${topology}: ${rounds.length} rounds, ${requests} requests, ${violations.length} violations, ` +
    `${startedAgain} started again`)
  console.log(lineOf(outcome))
  if (CAMPAIGN_RECORD !== undefined) record(plan, outcome)
  if (violations.length === 0) return true
  for (const { what, event } of violations.slice(0, 10)) console.log(`  ${what}: ${JSON.stringify(event)}`)
  await cutDown(plan, outcome)
  return false
}

/** The worst of each situation, in one line. */
function lineOf ({ measures }: Outcome): string {
  return Object.entries(measures).map(([row, { times, acceptedMs, waitMs, unavailable, answers, calls }]) =>
    `${row} ×${times}: accepted ${acceptedMs} ms, wait ${waitMs} ms, ` +
    `503 ${(100 * unavailable / Math.max(1, answers)).toFixed(1)} %, ${calls} calls`).join(' | ')
}

const again = inOwnNamespace()
if (again !== undefined) process.exitCode = again
else {
  const seed = Number(CAMPAIGN_SEED ?? Date.now() % 1_000_000_000)
  for (const topology of CAMPAIGN_TOPOLOGY === 'all' ? ALL : CAMPAIGN_TOPOLOGY.split(',') as TopologyName[]) {
    const plan: Plan = { means: { topology, hasKernel: hasFirewall() }, seed, seconds: Number(CAMPAIGN_SECONDS) }
    if (!await campaign(plan)) process.exitCode = 1
  }
}
