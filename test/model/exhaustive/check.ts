import { firstWithoutWay } from './healed.ts'
import type { Rule, World } from './rules.ts'
import { explore } from './search.ts'

export type Checked = Readonly<{
  states: number
  transitions: number
  /** Steps to the state that is farthest from the beginning. */
  depth: number
  /** Of one core. */
  seconds: number
  /** The shortest way to the first thing that is wrong. */
  found: Readonly<{ what: string, trace: readonly string[] }> | undefined
}>

/** Explores a world to its end, or to what is wrong in it; `without` is the rule that the protocol goes without. */
export function check (world: World, without?: Rule): Checked {
  const began = process.cpuUsage()
  const rules = { world, without: new Set(without === undefined ? [] : [without]) }
  const { states, transitions, depth, violation, graph, traceTo } = explore(rules)
  const stuck = violation === undefined ? firstWithoutWay(graph) : undefined
  const found = stuck === undefined ? violation : { what: 'there is no way back', trace: traceTo(stuck) }
  return { states, transitions, depth, seconds: process.cpuUsage(began).user / 1_000_000, found }
}

/** One line for each step, numbered. */
export const asText = (trace: readonly string[]): string => trace.map((step, n) => `${n + 1}. ${step}`).join('\n')
