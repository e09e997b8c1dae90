import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { assemble, type Config } from './assemble.ts'
import { cutVariables } from './env-files.ts'
import { machineMemory } from './machine-memory.ts'
import { showBytes } from './parsers/values.ts'
import { read, type ReadResult } from './read.ts'
import { brokenRules, lackingFacts, type Machine, type Readings } from './rules.ts'
import type { Setting } from './kind.ts'
import type { AnyPart } from '../parts/part.ts'
import { namesOf, unknownVariables } from './unknown.ts'
import { type Row as TableRow, rowsWith, type Values } from './variables.ts'
import { warningsOf } from './warnings.ts'

export { showBytes } from './parsers/values.ts'
export type { Config } from './assemble.ts'
export type { ListenAddress, Setting } from './kind.ts'

export type LoadedConfig = Readonly<
  | { kind: 'ok', config: Config, warnings: readonly string[], settings: readonly Setting[] }
  | { kind: 'errors', errors: readonly string[] }
>

/** Freezes a plain value and all that it holds, and returns it. */
function deepFreeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

const SYSTEM: Machine = Object.freeze({
  readFile: (path: string, encoding: 'utf8' | 'latin1' = 'utf8') => readFileSync(path, encoding),
  ownAddresses: () => Object.values(networkInterfaces()).flatMap((all) => all ?? []).map(({ address }) => address),
  memory: machineMemory,
  execArgv: process.execArgv
})

type Row = Readonly<{ name: string, reading: ReadResult }>

function readingsOf (read: readonly Row[], machine: Machine, rows: readonly TableRow[]): Readings {
  const isWritten = ({ reading }: Row): boolean => reading.kind === 'error' || reading.setting.source !== 'default'
  const set = new Set(read.filter(isWritten).map(({ name }) => name))
  const values = read.flatMap(({ name, reading }) => reading.kind === 'read' ? [[name, reading.value] as const] : [])
  // the table gives each value its type; this is the one place where the rows meet their names again
  return { ...machine, values: Object.fromEntries(values) as Partial<Values>, isSet: name => set.has(name), rows }
}

/** These settings have derived defaults, which no row can show. */
function shownSettings (read: readonly Row[], { authgear, cache }: Config): readonly Setting[] {
  const settings = read.flatMap(({ reading }) => reading.kind === 'read' ? [reading.setting] : [])
  const derived: Readonly<Record<string, string>> = {
    AUTHGEAR_RESOLVER_URL: authgear.resolverUrl,
    CACHE_MAX_MEMORY: showBytes(cache.maxBytes)
  }
  return settings.map(setting => setting.shown === '' ? { ...setting, shown: derived[setting.name] ?? '' } : setting)
}

const nameIn = (error: string): string => error.replace(/:.*$/s, '')

/** An error about the rest of a value that was cut says nothing. */
function isOfOther (cut: readonly string[]): (error: string) => boolean {
  const names = new Set(cut.map(nameIn))
  return (error) => !names.has(nameIn(error))
}

/**
 * The configuration that the environment gives, or everything that is wrong with it at once. No message holds a
 * secret's value.
 */
export function loadConfigWith (
  parts: readonly AnyPart[], env: NodeJS.ProcessEnv, some: Partial<Machine> = {}
): LoadedConfig {
  const machine = { ...SYSTEM, ...some }
  const rows = rowsWith(parts)
  const known = namesOf(rows)
  const all = rows.map(({ name, variable }) => ({ name, reading: read(name, variable, env, machine.readFile) }))
  const readings = readingsOf(all, machine, rows)
  const unread = all.flatMap(({ reading }) => reading.kind === 'error' ? [reading.error] : [])
  const unknown = unknownVariables(env, known)
  const cut = cutVariables(env, machine.execArgv, machine.readFile, known)
  const errors = [...cut, ...[...unread, ...brokenRules(readings, parts), ...unknown.errors].filter(isOfOther(cut))]
  if (errors.length > 0) return deepFreeze({ kind: 'errors', errors })
  const config = assemble(readings.values as Values, machine.memory(), env, parts) // no error: every row was read
  const lacking = lackingFacts(config.parts)
  if (lacking.length > 0) return deepFreeze({ kind: 'errors', errors: lacking })
  const warnings = [...warningsOf(readings, parts), ...unknown.warnings]
  return deepFreeze({ kind: 'ok', config, warnings, settings: shownSettings(all, config) })
}
