/** Reads a file as UTF-8 text or throws with the system's `code`. */
export type ReadFile = (path: string) => string

/** `shown` is what may be printed: masked where the value is secret. A `problem` never repeats a secret. */
export type Parsed<T> = Readonly<{ kind: 'parsed', value: T, shown: string } | { kind: 'problem', problem: string }>

/** What a variable's text may be: `accepts` for the documentation, `parse` for the program. */
export type Kind<T> = Readonly<{ accepts: string, parse: (text: string, readFile: ReadFile) => Parsed<T> }>

export const parsed = <T>(value: T, shown: string): Parsed<T> => ({ kind: 'parsed', value, shown })

export const problem = (text: string): Parsed<never> => ({ kind: 'problem', problem: text })
