import { type Kind, parsed, problem, type ReadFile } from '../kind.ts'

/** What stands in place of a secret wherever something is printed; of one length, so that it tells nothing. */
export const MASK = '********'

/** A secret of at least `minBytes` bytes. Its text is never shown. */
export function secret (minBytes: number, advice: string): Kind<string> {
  return Object.freeze({
    accepts: minBytes > 1 ? `${minBytes} bytes or more` : 'text',
    parse: (text: string) => Buffer.byteLength(text) >= minBytes
      ? parsed(text, MASK)
      : problem(`is shorter than ${minBytes} bytes: ${advice}`)
  })
}

/** A secret that the word `none` opts out of. */
export function secretOrNone (minBytes: number, advice: string): Kind<string> {
  const kind = secret(minBytes, advice)
  return Object.freeze({
    accepts: `${kind.accepts}, or \`none\``,
    parse: (text: string, readFile: ReadFile) => text === 'none' ? parsed(text, text) : kind.parse(text, readFile)
  })
}
