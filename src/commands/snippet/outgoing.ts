import { parts } from '../../parts/index.ts'
import { identityHeaders } from '../../base/config/parsers/identity.ts'
import { parsePolicy } from '../../base/core/policy.ts'
import { presentationOf } from '../../base/core/presentation.ts'
import { SETS } from '../../base/identity/sets.ts'
import { canonical, lower, type Route } from './settings.ts'

/**
 * Every name in use beside Authgear's own, each once: a route may choose any of them.
 * @param text as IDENTITY_HEADERS takes it
 * @param policies of every route: `identity=` names a set too
 */
export function readOutgoing (
  text: string | undefined,
  flags: ReadonlySet<string>,
  policies: ReadonlyArray<Pick<Route, 'policy'>>,
  errors: string[]
): readonly string[] {
  return eachOnce([
    ...text === undefined ? [] : readNames(text, errors),
    ...policies.flatMap(namesOfPolicy),
    ...SENT.flatMap(({ flag, names }) => flags.has(flag) ? names.map(canonical) : [])
  ])
}

/** The headers that parts may send. */
const SENT = parts.flatMap(({ sends }) => sends ?? [])

/** Options of `snippet` for every name that an app may ask for. */
export const EVERY_NAME: readonly string[] =
  ['--identity', Object.keys(SETS).join(), ...SENT.map(({ flag }) => `--${flag}`)]

/** The headers that an app may trust, whether this deployment sends them or not. */
const TRUSTED = [
  ...Object.values(SETS).flat().map(({ name }) => name),
  ...SENT.flatMap(({ names }) => names.map(canonical))
]

export const strippedBeside = (outgoing: readonly string[]): readonly string[] => eachOnce([...outgoing, ...TRUSTED])

/** As it was first written. */
const eachOnce = (names: readonly string[]): readonly string[] =>
  names.filter((name, i) => lower(names).indexOf(name.toLowerCase()) === i)

function readNames (text: string, errors: string[]): readonly string[] {
  const read = identityHeaders.parse(text, () => '')
  if (read.kind === 'problem') {
    errors.push(`--identity ${read.problem}`)
    return []
  }
  return read.value.all.map(({ name }) => name)
}

function namesOfPolicy ({ policy }: Pick<Route, 'policy'>): readonly string[] {
  const { identity } = presentationOf(parsePolicy(policy))
  return identity.kind === 'named' ? SETS[identity.value].map(({ name }) => name) : []
}
