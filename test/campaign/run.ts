import { setTimeout as sleep } from 'node:timers/promises'
import { begin } from './faults.ts'
import { now, type HistoryEvent } from './history.ts'
import { createOracle, type Oracle, type Violation } from './oracle.ts'
import type { Measures } from './measures.ts'
import { affectedBy, LASTING, LOSSY, situationOf, type Fault, type Round } from './schedule.ts'
import { work } from './workload.ts'
import type { World } from './world.ts'

export type Outcome = Readonly<{
  rounds: readonly Round[]
  violations: readonly Violation[]
  measures: Measures
  blocks: Oracle['blocks']
  events: Oracle['events']
  requests: number
  /** Rounds after which a lost log had the replicas leave Redis for so long that they were started again. */
  startedAgain: number
}>

export type RunDeps = Readonly<{
  world: World
  isOver: () => boolean
  /** The history of one round. */
  write: (round: Round, events: readonly HistoryEvent[], violations: readonly Violation[]) => void
}>

const WELL_BEFORE_MS = 1500
const WELL_AFTER_MS = 1000
const SECOND_FAULT_AFTER_MS = 700
/** How long after all faults a replica may not follow. */
const HEALS_WITHIN_MS = 20_000
/** A process that was killed and starts on a machine that does ten other things. */
const STARTS_WITHIN_MS = 60_000
/** A replica leaves Redis when the log changed more than three times in ten minutes. */
const MAX_LOSSY_ROUNDS = 2
/** Until then a new generation lacks something, and nobody takes anything from Redis. */
const REPUBLISHES_WITHIN_MS = 1500
/** Each replica looks once a second whether Redis has all that it knows of blocked clients. */
const WRITES_BACK_MS = 2000
/** What stood still is written down by then. */
const SETTLES_MS = 300

/** Round after round, until one has a violation or the time is over. */
export async function run (rounds: Iterable<Round>, { world, isOver, write }: RunDeps): Promise<Outcome> {
  const oracle = createOracle()
  const done: Round[] = []
  let violations: readonly Violation[] = []
  let [requests, startedAgain] = [0, 0]
  for (const round of rounds) {
    if (isOver() || violations.length > 0) break
    // judging stops the relays, which run in this process: until all follow again, a replica rightly has no lease
    if (done.length > 0) await settle(world)
    if (world.lossyRounds + lossesOf(round) > MAX_LOSSY_ROUNDS) {
      await world.restart()
      await world.heal(STARTS_WITHIN_MS)
    }
    if (await runRound(world, round)) startedAgain++
    done.push(round)
    const events = world.drain()
    requests += events.filter(({ kind }) => kind === 'answer' || kind === 'client').length
    violations = oracle.judge(events)
    write(round, events, violations)
  }
  const { measures, blocks, events } = oracle
  return { rounds: done, violations, measures, blocks, events, requests, startedAgain }
}

async function settle (world: World): Promise<void> {
  const trouble = await world.heal(HEALS_WITHIN_MS)
  if (trouble !== undefined) world.note({ kind: 'unhealed', what: trouble, at: now() })
}

const lossesOf = ({ faults }: Round): number => faults.filter(({ kind }) => LOSSY.has(kind)).length

/** @returns whether all replicas had to be started again */
async function runRound (world: World, round: Round): Promise<boolean> {
  let isOver = false
  world.authgearMs = round.authgearMs
  world.simulator.controls.latency = round.authgearMs
  const working = work(world, round.seed, () => isOver)
  try {
    await sleep(WELL_BEFORE_MS)
    await haveFaults(world, round)
    return await healAll(world, round)
  } finally {
    world.note({ kind: 'healed', at: now() })
    world.isWell = true
    await sleep(WELL_AFTER_MS)
    isOver = true
    await working
    await sleep(SETTLES_MS)
  }
}

async function haveFaults (world: World, { faults, holdMs }: Round): Promise<void> {
  world.isWell = false
  world.lossyRounds += lossesOf({ faults } as Round)
  const undo = await Promise.all(faults.map(async (fault, index) => {
    await sleep(index * SECOND_FAULT_AFTER_MS)
    world.note({ kind: 'fault', situation: situationOf(fault), replicas: affectedBy(fault), at: now(), what: fault })
    return await begin(world, fault)
  }))
  await sleep(holdMs)
  for (const end of undo) await end()
}

async function healAll (world: World, { faults }: Round): Promise<boolean> {
  const has = (kinds: ReadonlySet<Fault['kind']>): boolean => faults.some(({ kind }) => kinds.has(kind))
  // a list that was lost within the second in which all replicas end is lost
  if (has(LASTING) && has(LOSSY)) await sleep(WRITES_BACK_MS)
  if (has(LASTING)) await world.restart()
  const trouble = await world.heal(HEALS_WITHIN_MS)
  if (has(LOSSY)) await sleep(REPUBLISHES_WITHIN_MS)
  if (trouble === undefined) return false
  if (!has(LOSSY) || has(LASTING)) {
    world.note({ kind: 'unhealed', what: trouble, at: now() })
    return false
  }
  await world.restart()
  const stillThere = await world.heal(STARTS_WITHIN_MS)
  if (stillThere !== undefined) world.note({ kind: 'unhealed', what: stillThere, at: now() })
  return true
}
