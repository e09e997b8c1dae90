import type { MachineMemory } from '../machine-memory.ts'
import type { ReadFile } from './kind.ts'
import type { Values, VariableName } from './variables.ts'

/** What was read: values of the variables that could be understood, and the names that were set, understood or not; and this machine's addresses and memory. */
export type Readings = Readonly<{ values: Partial<Values>, isSet: (name: VariableName) => boolean, readFile: ReadFile, ownAddresses: () => readonly string[], memory: () => MachineMemory }>

/** A rule over several variables gives errors, in the words of whoever has to mend them. */
export type Rule = (readings: Readings) => readonly (string | false)[]
