import { parseArgs, type ParseArgsConfig } from 'node:util'
import { didYouMean } from '../config/unknown.ts'

/** Where a command prints: a stream, or a test's collector. */
export type Out = Readonly<{ write: (text: string) => unknown }>

/** Says what is wrong. @returns the exit code */
export function refuse (errors: readonly string[], out: Out): 1 {
  for (const error of errors) out.write(`error: ${error}\n`)
  return 1
}

/**
 * @returns which option is not known; undefined where something else is wrong. No value is repeated: it may be a secret
 */
export function unknownOption (
  args: readonly string[], options: NonNullable<ParseArgsConfig['options']>
): string | undefined {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const name = tokens.find((token) => token.kind === 'option' && !Object.hasOwn(options, token.name))
  if (name?.kind !== 'option' || !/^[a-z][a-z-]{0,40}$/.test(name.name)) return undefined
  return `there is no option --${name.name}${didYouMean(name.name, Object.keys(options))}`
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
