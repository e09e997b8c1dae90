/** What may happen in a world, where that leads, and what is wrong there. */
export type Space<State> = Readonly<{
  first: State
  next: (state: State) => ReadonlyArray<readonly [label: string, after: State]>
  keyOf: (state: State) => string
  /** What is wrong with a step, where something is. */
  wrong: (before: State, after: State) => string | undefined
}>

type Known<State> = Readonly<{ state: State, from: Known<State> | undefined, label: string }>

export type Explored = Readonly<{
  states: number
  transitions: number
  /** The shortest way to the first thing that is wrong. */
  found: Readonly<{ what: string, trace: readonly string[] }> | undefined
}>

/** Every order of everything that may happen, breadth first. */
export function explore<State> ({ first, next, keyOf, wrong }: Space<State>): Explored {
  const known = new Set([keyOf(first)])
  let transitions = 0
  for (let level: ReadonlyArray<Known<State>> = [{ state: first, from: undefined, label: '' }]; level.length > 0;) {
    const deeper: Known<State>[] = []
    for (const from of level) {
      for (const [label, state] of next(from.state)) {
        transitions++
        const what = wrong(from.state, state)
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

function wayTo<State> (end: Known<State>, last: string): readonly string[] {
  const labels = [last]
  for (let at: Known<State> | undefined = end; at?.from !== undefined; at = at.from) labels.unshift(at.label)
  return labels
}
