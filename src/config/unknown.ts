import { isInjected } from './injected.ts'
import { nearest } from './nearest.ts'
import { quote } from './quote.ts'
import { textOf } from './read.ts'
import { rows } from './variables.ts'

/** Every name that may be set: the table's and the `_FILE` twins of its secrets. */
const KNOWN: readonly string[] = rows.flatMap(({ name, variable }) => variable.secret === true ? [name, `${name}_FILE`] : [name])

/**
 * What only this service's variables begin with; a typo there would otherwise be a default that nobody asked for.
 * LOG_ is missing on purpose: too many platforms set variables of that kind.
 */
const PREFIXES: readonly string[] = [
  'AUTHGEAR_', 'LISTEN_', 'MANAGEMENT_', 'IDENTIFY_', 'TRUSTED_', 'CACHE_', 'REDIS_', 'LOGIN_', 'LOGOUT_', 'PREFLIGHT', 'ABSENT_', 'SHUTDOWN_'
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
