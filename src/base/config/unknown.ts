import { hasFile, quote } from './kind.ts'
import { isInjected, textOf } from './read.ts'
import type { Row } from './variables.ts'

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
export const namesOf = (rows: readonly Row[]): readonly string[] =>
  rows.flatMap(({ name, variable }) => hasFile(variable) ? [name, `${name}_FILE`] : [name])

/** Too many platforms set variables that begin so. */
const OTHERS = ['LOG', 'EXT']
/** The first words of our names, of those that only this service has. */
const wordsOf = (known: readonly string[]): readonly string[] =>
  [...new Set(known.map(wordOf))].filter((word) => !OTHERS.includes(word))

function wordOf (name: string): string {
  return name.replace(/_.*$/s, '')
}

/** Edits that are a slip of the whole name: another program's CACHE_URL is two from CACHE_TTL. */
const slipsOf = (name: string): number => name.length < 12 ? 1 : 2

/** The name of ours that this is a slip of, whatever its first word became. */
function slipOf (name: string, all: readonly string[]): string | undefined {
  const isNear = (known: string): boolean =>
    Math.abs(known.length - name.length) <= slipsOf(name) && distance(name, known) <= slipsOf(name)
  const near = all.filter((known) => !isGeneral(known) && isNear(known))
  return near.length === 0 ? undefined : nearest(name, near)
}

/** Other programs have names that begin so, and differ from ours in a letter. */
const isGeneral = (name: string): boolean => OTHERS.includes(wordOf(name)) && !name.startsWith('EXT_AUTHZ_')

/** It may be meant for this service, or for the app beside it. */
function beginsAsOurs (name: string, words: readonly string[]): boolean {
  return name.includes('_') && (name.startsWith('EXT_AUTHZ_') || words.includes(wordOf(name)))
}

/** Names that people bring from other programs, and what is meant. */
const ALIASES: Readonly<Record<string, string>> = {
  AUTHGEAR_CLIENT_ID: 'LOGIN_CLIENT_ID',
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

/** Variables that are constants now, and what is so: a warning until the next minor version. */
export const RETIRED: ReadonlyMap<string, string> = new Map([
  ['CACHE_REFRESH_AHEAD', 'sessions in use are refreshed after 80 % of their time-to-live']
])

/**
 * An error for each slip in a name of ours, which would silently mean the default, and one warning for all others that
 * begin as ours do. No value is ever repeated.
 * @param known each name that may be set
 */
export function unknownVariables (
  env: NodeJS.ProcessEnv, known: readonly string[]
): Readonly<{ errors: string[], warnings: string[] }> {
  const words = wordsOf(known)
  const errors: string[] = []
  const [retired, others]: [string[], string[]] = [[], []]
  for (const name of Object.keys(env).toSorted()) {
    if (known.includes(name) || isTheirs(env, name)) continue
    if (textOf(env, name) === undefined || isInjected(name, env[name] ?? '')) continue
    const gone = RETIRED.get(name)
    if (gone !== undefined) {
      retired.push(`${name}: has no effect any more: ${gone}`)
      continue
    }
    const slip = slipOf(name, known)
    const instead = INSTEAD.get(name)
    if (instead !== undefined) errors.push(`${name}: ${instead}`)
    else if (slip !== undefined) {
      errors.push(`${printable(name)}: is not a variable of this service: did you mean ${slip}?`)
    } else if (beginsAsOurs(name, words)) others.push(`${printable(name)} (did you mean ${meant(name, known)}?)`)
  }
  const ignored = others.length === 0 ? [] : [`not variables of this service, and ignored: ${others.join(', ')}`]
  return { errors, warnings: [...retired, ...ignored] }
}

const meant = (name: string, known: readonly string[]): string => ALIASES[name] ?? nearest(name, known) ?? ''

/**
 * The variables of a managed identity (https://learn.microsoft.com/azure/app-service/overview-managed-identity, Azure
 * Arc).
 */
const AZURE: readonly string[] = ['IDENTITY_ENDPOINT', 'IDENTITY_API_VERSION', 'IDENTITY_SERVER_THUMBPRINT']
const isTheirs = (env: NodeJS.ProcessEnv, name: string): boolean =>
  AZURE.includes(name) || (name === 'IDENTITY_HEADER' && 'IDENTITY_ENDPOINT' in env)

const printable = (name: string): string => /^\w+$/.test(name) ? name : quote(name)
