import fc from 'fast-check'
import type { Test } from 'tap'
import { check } from '../helpers/property.ts'
import { commands, perform, type Command } from './commands.ts'
import { World, type Counts } from './world.ts'

/** REVOCATION_SEED for other cases, REVOCATION_PATH for the one that a report names. */
const { REVOCATION_SEED: seed = 20_261_125, REVOCATION_PATH: path } = process.env

/** Whatever befalls three replicas and their Redis, I1, I2 and I3 hold. */
export async function checkRandom (t: Test, numRuns: number): Promise<void> {
  const count: Counts = {
    commands: 0,
    revocations: 0,
    acknowledged: 0,
    answers: 0,
    fromMemory: 0,
    fromRedis: 0,
    stale: 0,
    renewed: 0,
    overtaken: 0,
    adoptions: 0,
    disturbances: 0,
    acknowledgedChecks: 0,
    reboots: 0,
    junk: 0,
    junkSkipped: 0,
    tokens: 0,
    tokensGood: 0,
    tokensRevoked: 0,
    tokensUnknown: 0
  }
  const random = Math.random
  t.teardown(() => { Math.random = random })
  Math.random = () => 0 // lives without jitter: a failure comes again
  let runs = 0
  const form = fc.constantFrom('one', 'sentinel')
  const { report } = await check(fc.asyncProperty(form, commands, async (form, sequence) => {
    runs++
    await run(new World(count, form), sequence)
  }), numRuns, { seed: Number(seed), ...path === undefined ? {} : { path } })
  t.ok(report === undefined, report ?? 'no violation')
  t.comment(`seed ${seed}, ${runs} runs: ${Object.entries(count).map(([name, value]) => `${name} ${value}`).join(', ')}`)
  for (const [name, value] of Object.entries(count)) t.ok(value > 0, `${name}: ${value}`)
}

/** Begins with three replicas that follow, ends with all faults gone. */
async function run (world: World, sequence: readonly Command[]): Promise<void> {
  for (const replica of world.replicas) replica.connect()
  await perform(world, { kind: 'round' })
  for (const command of sequence) await perform(world, command)
  await world.heal()
}
