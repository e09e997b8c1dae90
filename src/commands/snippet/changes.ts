/** What writing a file would do to the one that is there. */
export type Change =
  | Readonly<{ kind: 'new' | 'same' }>
  | Readonly<{ kind: 'other', shown: string }>

/** So many lines of a difference are shown. */
const MAX_SHOWN = 60
/** Lines of a file that are compared; nothing that `snippet` writes is longer. */
const MAX_LINES = 2000

/** @param there undefined: there is no such file */
export function changeOf (there: string | undefined, wanted: string): Change {
  if (there === undefined) return { kind: 'new' }
  return there === wanted ? { kind: 'same' } : { kind: 'other', shown: shownOf(there, wanted) }
}

/** Lines that are there with a minus, lines that would be with a plus, and no others. */
function shownOf (there: string, wanted: string): string {
  const lines = differences(there.split('\n').slice(0, MAX_LINES), wanted.split('\n').slice(0, MAX_LINES))
  const rest = lines.length - MAX_SHOWN
  return (rest > 0 ? [...lines.slice(0, MAX_SHOWN), `… and ${rest} lines more`] : lines).join('\n')
}

/** By the longest common subsequence. */
function differences (there: readonly string[], wanted: readonly string[]): readonly string[] {
  const common = commonLengths(there, wanted)
  const lengthAt = (i: number, j: number): number => common[i]?.[j] ?? 0
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < there.length || j < wanted.length) {
    if (i < there.length && there[i] === wanted[j]) {
      i++
      j++
    } else if (j < wanted.length && (i === there.length || lengthAt(i, j + 1) > lengthAt(i + 1, j))) {
      lines.push(`+${wanted[j++]}`)
    } else {
      lines.push(`-${there[i++]}`)
    }
  }
  return lines
}

/** @returns for each pair of places how many lines the rest of both have in common, in order */
function commonLengths (there: readonly string[], wanted: readonly string[]): readonly Uint16Array[] {
  const table = Array.from({ length: there.length + 1 }, () => new Uint16Array(wanted.length + 1))
  for (let i = there.length - 1; i >= 0; i--) {
    for (let j = wanted.length - 1; j >= 0; j--) {
      const [row, below] = [table[i], table[i + 1]]
      if (row === undefined) continue
      row[j] = there[i] === wanted[j]
        ? (below?.[j + 1] ?? 0) + 1
        : Math.max(below?.[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
