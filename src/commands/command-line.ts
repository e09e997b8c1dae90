import { parseArgs, type ParseArgsConfig } from 'node:util'

/** Where a command prints: a stream, or a test's collector. */
export type Out = Readonly<{ write: (text: string) => unknown }>

/** Says what is wrong. @returns the exit code */
export function refuse (errors: readonly string[], out: Out): 1 {
  for (const error of errors) out.write(`error: ${error}\n`)
  return 1
}

/** @returns undefined where an argument is not understood */
export function readArguments<const T extends NonNullable<ParseArgsConfig['options']>> (
  args: readonly string[], options: T
) {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch {
    return undefined
  }
}
