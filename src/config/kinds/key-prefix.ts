import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

/** What every key in Redis begins with. Braces would put all keys on one node of a cluster. */
export const keyPrefix: Kind<string> = Object.freeze({
  accepts: '64 printable ASCII characters at most, without spaces and braces',
  parse: (text: string) => /^[!-z|~]{1,64}$/.test(text)
    ? parsed(text, text)
    : problem(`${quote(text)} must be 64 printable ASCII characters at most, without spaces and braces`)
})
