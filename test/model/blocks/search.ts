import { next } from './next.ts'
import type { Rule, World } from './rules.ts'
import { initial, keyOf, type State } from './state.ts'
import { withLoss, wrong } from './word.ts'

type Known = Readonly<{ state: State, from: Known | undefined, label: string }>

export type Explored = Readonly<{
  states: number
  transitions: number
  /** The shortest way to the first thing that is wrong. */
  found: Readonly<{ what: string, trace: readonly string[] }> | undefined
}>

/** Every order of everything that may happen in a world, breadth first; `without` is the rule that is broken there. */
export function explore (world: World, without?: Rule): Explored {
  const rules = { world, without }
  const first: Known = { state: initial(world.replicas, world.left), from: undefined, label: '' }
  const known = new Set([keyOf(first.state)])
  let transitions = 0
  for (let level: readonly Known[] = [first]; level.length > 0;) {
    const deeper: Known[] = []
    for (const from of level) {
      for (const [label, step] of next(from.state, rules)) {
        const state = withLoss(step)
        transitions++
        const what = wrong(from.state, state, state.left.whiles < from.state.left.whiles)
        if (what !== undefined) return { states: known.size, transitions, found: { what, trace: wayTo(from, label) } }
        const key = keyOf(state)
        if (known.has(key)) continue
        known.add(key)
        deeper.push({ state, from, label })
      }
    }
    level = deeper
  }
  return { states: known.size, transitions, found: undefined }
}

function wayTo (end: Known, last: string): readonly string[] {
  const labels = [last]
  for (let at: Known | undefined = end; at?.from !== undefined; at = at.from) labels.unshift(at.label)
  return labels
}
