import { fingerprint } from './fingerprint.ts'
import { isWell } from './healed.ts'
import { createHashIndex } from './hash.ts'
import { initial } from './initial.ts'
import { next, wrong } from './next.ts'
import type { Rules } from './rules.ts'
import type { State } from './state.ts'

type Violation = Readonly<{ what: string, trace: readonly string[] }>

export type Explored = Readonly<{
  states: number
  transitions: number
  /** Steps to the state that is farthest from the first one. */
  depth: number
  violation: Violation | undefined
  graph: Graph
  /** What happened on the way to the state of that number. */
  traceTo: (number: number) => readonly string[]
}>

/** Successors of each state, by number: those of state n stand from `from[n]` to `from[n + 1]`. */
export type Graph = Readonly<{ from: readonly number[], to: Int32Array, good: readonly number[] }>

/** Breadth first, so that the first violation that is found has the shortest trace. */
export function explore (rules: Rules, maxStates = Infinity): Explored {
  const index = createHashIndex()
  const parents: number[] = [-1]
  const choices: number[] = [-1]
  const from: number[] = []
  const good: number[] = []
  const to = createNumbers()
  const first = initial(rules.world)
  let level: State[] = [first]
  let depth = 0
  let expanded = 0
  index.number(fingerprint(first))
  const done = (violation?: Violation): Explored => ({
    states: index.size(),
    transitions: to.length(),
    depth,
    violation,
    graph: { from: [...from, to.length()], to: to.all(), good },
    traceTo: (number: number) => retrace(rules, parents, choices, number)
  })
  for (; level.length > 0; depth++) {
    const deeper: State[] = []
    for (const state of level) {
      from.push(to.length())
      if (isWell(state, rules)) good.push(expanded)
      for (const [choice, [, after]] of next(state, rules).entries()) {
        const known = index.size()
        const number = index.number(fingerprint(after))
        to.push(number)
        if (number < known) continue
        parents.push(expanded)
        choices.push(choice)
        const what = wrong(after, rules)
        if (what !== undefined) return done({ what, trace: retrace(rules, parents, choices, number) })
        deeper.push(after)
      }
      expanded++
      if (index.size() > maxStates) return done()
    }
    level = deeper
  }
  return done()
}

/** Only numbers are kept: the way to a state is walked again from the first one. */
function retrace (rules: Rules, parents: readonly number[], choices: readonly number[], end: number): string[] {
  const way: number[] = []
  for (let number = end; number > 0; number = parents[number] ?? 0) way.unshift(choices[number] ?? 0)
  const labels: string[] = []
  let state = initial(rules.world)
  for (const choice of way) {
    const step = next(state, rules)[choice]
    if (step === undefined) throw new Error('a trace cannot be walked again')
    labels.push(step[0])
    state = step[1]
  }
  return labels
}

type Numbers = Readonly<{ push: (value: number) => void, length: () => number, all: () => Int32Array }>

function createNumbers (): Numbers {
  let values = new Int32Array(1 << 16)
  let length = 0
  return {
    length: () => length,
    all: () => values.subarray(0, length),
    push (value: number): void {
      if (length === values.length) {
        const larger = new Int32Array(length * 2)
        larger.set(values)
        values = larger
      }
      values[length++] = value
    }
  }
}
