import { hasFile, quote } from './kind.ts'
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

/** Too many platforms set variables that begin so. */
const OTHERS = ['LOG', 'EXT']
/** The first words of our names, of those that only this service has. */
const WORDS: readonly string[] = [...new Set(KNOWN.map(wordOf))].filter((word) => !OTHERS.includes(word))
const SINGLE: readonly string[] = KNOWN.filter((name) => !name.includes('_'))

function wordOf (name: string): string {
  return name.replace(/_.*$/s, '')
}

/** A typo in a name of ours would silently mean the default. */
function looksLikeOurs (name: string): boolean {
  if (name.startsWith('EXT_AUTHZ_')) return true
  if (!name.includes('_')) return SINGLE.some((known) => distance(name, known) === 1)
  const word = wordOf(name)
  return !OTHERS.includes(word) && WORDS.some((known) =>
    word === known || word === `${known}S` || (known.startsWith(word) && known.length - word.length <= MAX_SLIPS))
}

/** Names that people bring from other programs, and what is meant. */
const ALIASES: Readonly<Record<string, string>> = {
  AUTHGEAR_URL: 'AUTHGEAR_ENDPOINT',
  AUTHGEAR_ISSUER: 'AUTHGEAR_ENDPOINT',
  AUTHGEAR_ORIGIN: 'AUTHGEAR_ENDPOINT',
  REDIS_ADDR: 'REDIS_URL=redis://redis:6379',
  REDIS_ADDRESS: 'REDIS_URL=redis://redis:6379',
  REDIS_HOST: 'REDIS_URL=redis://redis:6379',
  REDIS_PORT: 'REDIS_URL=redis://redis:6379',
  REDIS_DB: 'REDIS_URL=redis://redis:6379/0'
}

const ONE_PROCESS = 'one process is one replica: leave it out, and run more replicas behind your proxy ' +
  '(docs/operations.md, "More than one core")'
/** Variables that did something once, or do in other programs, and what to do now. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['WORKERS', `is gone: ${ONE_PROCESS}`],
  ['WORKER', `is not a variable of this service: ${ONE_PROCESS}`]
])

/** One error for each variable that looks like ours and is not. Its value is never repeated. */
export function unknownVariables (env: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(env)
    .filter((name) => (INSTEAD.has(name) || looksLikeOurs(name)) && !KNOWN.includes(name) && !isTheirs(env, name))
    .filter(name => textOf(env, name) !== undefined && !isInjected(name, env[name] ?? ''))
    .toSorted()
    .map((name) => `${printable(name)}: ${said(name)}`)
}

const said = (name: string): string =>
  INSTEAD.get(name) ?? `is not a variable of this service: did you mean ${meant(name)}?`

const meant = (name: string): string => ALIASES[name] ?? nearest(name, KNOWN) ?? ''

/** Of a managed identity (https://learn.microsoft.com/azure/app-service/overview-managed-identity, Azure Arc). */
const AZURE: readonly string[] = ['IDENTITY_ENDPOINT', 'IDENTITY_API_VERSION', 'IDENTITY_SERVER_THUMBPRINT']
const isTheirs = (env: NodeJS.ProcessEnv, name: string): boolean =>
  AZURE.includes(name) || (name === 'IDENTITY_HEADER' && 'IDENTITY_ENDPOINT' in env)

const printable = (name: string): string => /^\w+$/.test(name) ? name : quote(name)
