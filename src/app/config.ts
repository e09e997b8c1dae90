import { type LoadedConfig, loadConfigWith } from '../base/config/index.ts'
import type { Variable } from '../base/config/kind.ts'
import type { Machine } from '../base/config/rules.ts'
import { rowsWith, type VariableName as OfBase } from '../base/config/variables.ts'
import { type PartRows, parts } from '../parts/index.ts'

type NamesOf<Rows> = Rows extends unknown ? keyof Rows & string : never

/** The name of any variable, for types. */
export type VariableName = OfBase | NamesOf<PartRows>

/** The table of all variables. */
export const rows = rowsWith(parts)

/** Each variable under its name. */
export const variables = Object.freeze(
  Object.fromEntries(rows.map(({ name, variable }) => [name, variable]))
) as Readonly<Record<VariableName, Variable>>

/** The configuration of the service with all its parts. */
export const loadConfig = (env: NodeJS.ProcessEnv, some?: Partial<Machine>): LoadedConfig =>
  loadConfigWith(parts, env, some)
