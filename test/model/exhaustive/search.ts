import { next } from './next.ts'
import type { Rule, Rules, World } from './rules.ts'
import { initial, type State } from './state.ts'

export type Explored = Readonly<{
  states: number
  /** The first thing that goes wrong, by the shortest way to it. */
  found: Readonly<{ what: string, trace: readonly string[] }> | undefined
}>

type Known = Readonly<{ before: string, label: string }>

/** Breadth first, to the end of the world or to what is wrong in it. */
export function explore (world: World, without?: Rule): Explored {
  const rules: Rules = { world, without }
  const first = initial(world.revocations)
  const known = new Map<string, Known | undefined>([[JSON.stringify(first), undefined]])
  for (let level: State[] = [first]; level.length > 0;) {
    const deeper: State[] = []
    for (const state of level) {
      const before = JSON.stringify(state)
      for (const [label, after] of next(state, rules)) {
        const key = JSON.stringify(after)
        if (known.has(key)) continue
        known.set(key, { before, label })
        if (after.wrong !== undefined) {
          return { states: known.size, found: { what: after.wrong, trace: trace(known, key) } }
        }
        deeper.push(after)
        if (known.size > 400_000) throw new Error(`${world.name}: more states than can be looked at`)
      }
    }
    level = deeper
  }
  return { states: known.size, found: undefined }
}

function trace (known: ReadonlyMap<string, Known | undefined>, end: string): string[] {
  const labels: string[] = []
  for (let at = known.get(end); at !== undefined; at = known.get(at.before)) labels.unshift(at.label)
  return labels
}
