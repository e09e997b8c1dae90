import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Violation } from './oracle.ts'
import { record } from './record.ts'
import { run, type Outcome } from './run.ts'
import { roundsOf, type Means, type Round } from './schedule.ts'
import { createScope } from './scope.ts'
import { shrink } from './shrink.ts'
import { startWorld, type World } from './world.ts'

export type Plan = Readonly<{ means: Means, seed: number, seconds: number }>

export type Options = Readonly<{
  /** Rounds of the schedule, by their numbers; undefined: all. */
  rounds: readonly number[] | undefined
  /** How long a schedule that failed is cut down. */
  shrinkSeconds: number
  /** Whether the worst cases go into docs/campaign.json. */
  records: boolean
}>

const FOLDER = join(import.meta.dirname, '../../.campaign')
const SHOWN = 10

/** One run on one form of Redis, and what came of it in a few lines. @returns whether no bound was exceeded */
export async function campaign (plan: Plan, options: Options): Promise<boolean> {
  const { topology, hasKernel } = plan.means
  const droppers = hasKernel ? 'relays and the kernel' : 'relays alone (no network namespace here)'
  console.log(`${topology}: seed ${plan.seed}, ${plan.seconds} s, packets dropped by ${droppers}`)
  const outcome = await runOnce(plan, chosen(plan, options.rounds), `${topology}-${plan.seed}`)
  const { violations, rounds, requests, startedAgain, blocks, events } = outcome
  console.log(
    `${topology}: ${rounds.length} rounds, ${requests} requests, ${violations.length} violations, ` +
    `${startedAgain} rounds after which all were started again, ${blocks.words} blocks and lifts, ` +
    `${blocks.answers} tokens of clients, ${blocks.refused} refused as blocked, accepted ${blocks.acceptedMs} ms at most, ` +
    `${events.told} told to apps, ${events.returned} of them after they came back, the longest ` +
    `${events.longestMs} ms after the stream was back, ${events.streams} streams, ${events.resets} resets: ${worstOf(outcome)}`
  )
  if (options.records) record(plan, outcome)
  if (violations.length === 0) return true
  for (const { what, event } of violations.slice(0, SHOWN)) console.log(`  ${what}: ${JSON.stringify(event)}`)
  await cutDown(plan, outcome, options.shrinkSeconds)
  return false
}

/** One world, these rounds; the history goes to a file of that name. */
async function runOnce ({ means, seconds }: Plan, rounds: Iterable<Round>, name: string): Promise<Outcome> {
  const scope = createScope(() => {})
  const file = join(FOLDER, `${name}.jsonl`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, '')
  try {
    const world = await startWorld(scope.t, means.topology)
    const end = performance.now() + seconds * 1000
    const outcome = await run(rounds, {
      world,
      isOver: () => performance.now() >= end,
      write: (round, events, violations) => {
        const lines = [{ round }, ...events, ...violations.map(({ what, at }) => ({ kind: 'violation', what, at }))]
        writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'a' })
      }
    })
    if (outcome.violations.length > 0) await explain(world, name)
    return outcome
  } finally {
    await scope.close()
  }
}

/** Writes what each replica says of itself after a violation. */
async function explain ({ replicas }: World, name: string): Promise<void> {
  for (const [index, replica] of replicas.entries()) {
    writeFileSync(join(FOLDER, `${name}-replica-${index}.txt`), await replica.explain())
  }
}

function * chosen ({ seed, means }: Plan, only: readonly number[] | undefined): Generator<Round> {
  for (const round of roundsOf(seed, means)) {
    if (only === undefined || only.includes(round.id)) yield round
    if (only !== undefined && round.id >= Math.max(...only)) return
  }
}

/** Prints the shortest schedule that still fails, and the command that repeats it. */
async function cutDown (plan: Plan, { rounds, violations }: Outcome, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000
  const known = new Set(violations.map(kindOf))
  const fails = async (subset: readonly Round[]): Promise<boolean> => {
    const { violations: found } = await runOnce({ ...plan, seconds: Infinity }, subset, `${plan.means.topology}-shrunk`)
    const isSame = found.some((one) => known.has(kindOf(one)))
    console.log(`  ${subset.length} rounds (${subset.map(({ id }) => id).join(',')}): ${isSame ? 'fails' : 'holds'}`)
    return isSame
  }
  const shortest = await shrink(rounds, fails, () => performance.now() >= end)
  for (const round of shortest) console.log(`  ${JSON.stringify(round)}`)
  console.log(
    `the shortest schedule that fails; again: CAMPAIGN_TOPOLOGY=${plan.means.topology} CAMPAIGN_SEED=${plan.seed} ` +
    `CAMPAIGN_ROUNDS=${shortest.map(({ id }) => id).join(',')} npm run campaign`
  )
}

/** What went wrong without its numbers: a shorter run fails in the same way, not by the same milliseconds. */
const kindOf = ({ what }: Violation): string => what.replaceAll(/\d+/g, 'n')

/** The worst of each situation, in one line. */
function worstOf ({ measures }: Outcome): string {
  return Object.entries(measures).map(([row, { times, acceptedMs, waitMs, unavailable, answers, calls }]) =>
    `${row} ×${times}: accepted ${acceptedMs} ms, wait ${waitMs} ms, ` +
    `503 ${(100 * unavailable / Math.max(1, answers)).toFixed(1)} %, ${calls} calls`).join(' | ')
}
