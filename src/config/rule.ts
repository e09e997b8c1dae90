import type { MachineMemory } from '../machine-memory.ts'
import type { ReadFile } from './kind.ts'
import type { Values, VariableName } from './variables.ts'

/** What was read, and what of the machine the rules look at. */
export type Readings = Machine & Readonly<{
  /** Of the variables that could be understood. */
  values: Partial<Values>
  /** Whether a variable was set, understood or not. */
  isSet: (name: VariableName) => boolean
}>

/** What of the outside is read beside the environment. */
export type Machine = Readonly<{
  readFile: ReadFile
  ownAddresses: () => readonly string[]
  memory: () => MachineMemory
  nodeVersion: string
}>

/** A rule over several variables gives errors, in the words of whoever has to mend them. */
export type Rule = (readings: Readings) => readonly (string | false)[]
