import { hasFile } from './kind.ts'
import { quote } from './messages.ts'
import { isInjected, textOf } from './read.ts'
import { rows } from './variables.ts'

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

/**
 * The known name nearest to a mistyped one, by edits or since one holds all words of the other; the first of equals.
 */
export function nearest (name: string, known: readonly string[]): string | undefined {
  const ranked = known.map(candidate => ({ candidate, rank: rank(name, candidate) }))
  return ranked.toSorted((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1])[0]?.candidate
}

/** So many edits are a slip; more are another word. */
const MAX_SLIPS = 2

/** @returns `: did you mean …?` for a slip, nothing for another word */
export function didYouMean (name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  const isSlip = candidate !== undefined && name.length <= 40 && distance(name, candidate) <= MAX_SLIPS
  return isSlip ? `: did you mean ${candidate}?` : ''
}

/** Every name that may be set: the table's and the `_FILE` twins of its secrets. */
const KNOWN: readonly string[] = rows.flatMap(({ name, variable }) =>
  hasFile(variable) ? [name, `${name}_FILE`] : [name]
)

/**
 * Only this service's variables begin so. A typo in one would otherwise silently mean its default. LOG_ is missing on
 * purpose: too many platforms set such variables.
 */
const PREFIXES: readonly string[] = [
  'AUTHGEAR_',
  'LISTEN_',
  'MANAGEMENT_',
  'IDENTIFY_',
  'TRUSTED_',
  'CACHE_',
  'REDIS_',
  'LOGIN_',
  'LOGOUT_',
  'RESOURCE',
  'EXT_AUTHZ_',
  'ASSERTION',
  'PREFLIGHT',
  'ABSENT_',
  'SHUTDOWN_'
]

/** One error for each variable that looks like ours and is not. Its value is never repeated. */
export function unknownVariables (env: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(env)
    .filter(name => PREFIXES.some(prefix => name.startsWith(prefix)) && !KNOWN.includes(name))
    .filter(name => textOf(env, name) !== undefined && !isInjected(name, env[name] ?? ''))
    .toSorted()
    .map(name => `${printable(name)}: is not a variable of this service: did you mean ${nearest(name, KNOWN) ?? ''}?`)
}

const printable = (name: string): string => /^\w+$/.test(name) ? name : quote(name)
