import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

/** The beginning of a cookie's name: a token of RFC 6265 (RFC 9110, 5.6.2). */
export const cookiePrefix: Kind<string> = Object.freeze({
  accepts: 'the beginning of a cookie name (a token of RFC 6265)',
  parse: (text: string) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,100}$/.test(text)
    ? parsed(text, text)
    : problem(`${quote(text)} cannot begin a cookie's name: letters, digits and !#$%&'*+-.^_\`|~ only, 100 at most`)
})
