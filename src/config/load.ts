import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { machineMemory, type MachineMemory } from '../machine-memory.ts'
import { assemble } from './assemble.ts'
import { deepFreeze } from './deep-freeze.ts'
import type { ReadFile } from './kind.ts'
import { showBytes } from './kinds/bytes.ts'
import { read, type Reading } from './read.ts'
import type { Readings } from './rule.ts'
import { brokenRules } from './rules.ts'
import type { Config, LoadedConfig, Setting } from './types.ts'
import { unknownVariables } from './unknown.ts'
import { rows, type Values } from './variables.ts'
import { warningsOf } from './warnings.ts'

/** What of the outside is read beside the environment. */
type Machine = Pick<Readings, 'readFile' | 'ownAddresses' | 'memory'>

type Row = Readonly<{ name: string, reading: Reading }>

const readUtf8: ReadFile = path => readFileSync(path, 'utf8')

const systemAddresses: Readings['ownAddresses'] = () => Object.values(networkInterfaces()).flatMap((all) => all ?? []).map(({ address }) => address)

function readingsOf (read: readonly Row[], { readFile, ownAddresses, memory }: Machine): Readings {
  const set = new Set(read.filter(({ reading }) => reading.kind === 'error' || reading.setting.source !== 'default').map(({ name }) => name))
  const values = read.flatMap(({ name, reading }) => reading.kind === 'read' ? [[name, reading.value] as const] : [])
  // the table gives each value its type; this is the one place where the rows meet their names again
  return { values: Object.fromEntries(values) as Partial<Values>, isSet: name => set.has(name), readFile, ownAddresses, memory }
}

/** What stands in for these is derived, so no row can show it. */
function settingsOf (read: readonly Row[], { authgear, cache }: Config): readonly Setting[] {
  const settings = read.flatMap(({ reading }) => reading.kind === 'read' ? [reading.setting] : [])
  const derived: Readonly<Record<string, string>> = { AUTHGEAR_RESOLVER_URL: authgear.resolverUrl, CACHE_MAX_MEMORY: showBytes(cache.maxBytes) }
  return settings.map(setting => setting.shown === '' ? { ...setting, shown: derived[setting.name] ?? '' } : setting)
}

/** The configuration that the environment gives, or everything that is wrong with it at once. No message holds a secret's value. */
export function loadConfig (env: NodeJS.ProcessEnv, readFile: ReadFile = readUtf8, ownAddresses = systemAddresses, memory: () => MachineMemory = machineMemory): LoadedConfig {
  const all = rows.map(({ name, variable }) => ({ name, reading: read(name, variable, env, readFile) }))
  const readings = readingsOf(all, { readFile, ownAddresses, memory })
  const unread = all.flatMap(({ reading }) => reading.kind === 'error' ? [reading.error] : [])
  const errors = [...unread, ...brokenRules(readings), ...unknownVariables(env)]
  if (errors.length > 0) return deepFreeze({ kind: 'errors', errors })
  const config = assemble(readings.values as Values, memory()) // no error: every row was read
  return deepFreeze({ kind: 'ok', config, warnings: warningsOf(readings), settings: settingsOf(all, config) })
}
