import type { ReadFile } from './kind.ts'
import type { Values, VariableName } from './variables.ts'

/** What was read: values of the variables that could be understood, and the names that were set, understood or not; this machine's addresses, and Node's version. */
export type Readings = Readonly<{ values: Partial<Values>, isSet: (name: VariableName) => boolean, readFile: ReadFile, ownAddresses: () => readonly string[], nodeVersion: string }>

/** A rule over several variables gives errors, in the words of whoever has to mend them. */
export type Rule = (readings: Readings) => readonly (string | false)[]
