/** Edits (insert, delete, replace, swap of neighbours) from one name to another: optimal string alignment. */
function distance (from: string, to: string): number {
  let beforePrevious: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(Math.min(
        at(previous, j) + 1,
        at(row, j - 1) + 1,
        at(previous, j - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, j - 2) + 1 : Infinity
      ))
    }
    beforePrevious = previous
    previous = row
  }
  return at(previous, to.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity

// what two edits are worth: REDIS_PASS and AUTHGEAR_URL are nearer in meaning than in letters
const CONTAINED = 2

const contains = (longer: string, shorter: string): boolean =>
  longer.startsWith(shorter) || shorter.split('_').every(word => longer.split('_').includes(word))

function rank (name: string, candidate: string): readonly [rank: number, edits: number] {
  const edits = distance(name, candidate)
  return [contains(candidate, name) || contains(name, candidate) ? Math.min(edits, CONTAINED) : edits, edits]
}

/** The known name that a mistyped one is nearest to, by edits or because one holds all words of the other; of equals the first. */
export function nearest (name: string, known: readonly string[]): string | undefined {
  const ranked = known.map(candidate => ({ candidate, rank: rank(name, candidate) }))
  return ranked.toSorted((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1])[0]?.candidate
}
