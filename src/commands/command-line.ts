import { parseArgs, type ParseArgsConfig } from 'node:util'
import { didYouMean } from '../base/config/unknown.ts'

/** A command's output: a stream, or a test's collector. */
export type Out = Readonly<{ write: (text: string) => unknown }>

/** Says what is wrong. @returns the exit code */
export function refuse (errors: readonly string[], out: Out): 1 {
  for (const error of errors) out.write(`error: ${error}\n`)
  return 1
}

const LONG_OPTION = /^--([a-z][a-z-]{0,40})(?:=|$)/

const dashed = (name: string): string => `--${name}`

/** @returns `: did you mean --host?` for a slip */
export const optionMeant = (name: string, known: readonly string[]): string =>
  didYouMean(dashed(name), known.map(dashed))

/** The option that is not known. No value is repeated: it may be a secret. */
function unknownOption (args: readonly string[], known: readonly string[]): string | undefined {
  const names = args.flatMap((arg) => LONG_OPTION.exec(arg)?.[1] ?? [])
  const name = names.find((one) => !known.includes(one))
  return name && `there is no option --${name}${optionMeant(name, known)}`
}

const isOfUnknownOption = (error: unknown): boolean =>
  error instanceof TypeError && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'

/** The option that is given twice: the first value would else be lost in silence. */
function repeatedOption (
  args: readonly string[], options: NonNullable<ParseArgsConfig['options']>
): string | undefined {
  const { tokens } = parseArgs({ args: [...args], options, tokens: true })
  const names = tokens.flatMap((token) => token.kind === 'option' ? token.name : [])
  const name = names.find((one, index) => options[one]?.multiple !== true && names.indexOf(one) !== index)
  return name && `--${name} is given twice`
}

/** @returns the options' values, or what is wrong as a sentence; `otherwise` says it where no option is unknown */
export function readArguments<const T extends NonNullable<ParseArgsConfig['options']>> (
  args: readonly string[], options: T, otherwise: (error: unknown) => string
) {
  try {
    const repeated = repeatedOption(args, options)
    if (repeated !== undefined) return repeated
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    const unknown = isOfUnknownOption(error) ? unknownOption(args, Object.keys(options)) : undefined
    return unknown ?? otherwise(error)
  }
}
