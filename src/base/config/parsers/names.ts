import { type Kind, parsed, problem, quote } from '../kind.ts'

/** The beginning of a cookie's name: a token of RFC 6265 (RFC 9110, 5.6.2). */
export const cookiePrefix: Kind<string> = Object.freeze({
  accepts: 'the beginning of a cookie name (a token of RFC 6265)',
  parse: (text: string) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,100}$/.test(text)
    ? parsed(text, text)
    : problem(`${quote(text)} cannot begin a cookie's name: letters, digits and !#$%&'*+-.^_\`|~ only, 100 at most`)
})

/** The beginning of every key in Redis. Braces would put all keys on one node of a cluster. */
export const keyPrefix: Kind<string> = Object.freeze({
  accepts: '64 printable ASCII characters at most, without spaces and braces',
  parse: (text: string) => /^[!-z|~]{1,64}$/.test(text)
    ? parsed(text, text)
    : problem(`${quote(text)} must be 64 printable ASCII characters at most, without spaces and braces`)
})

/**
 * A Redis ACL user: anything without white space and control characters. Not repeated: people swap it with the
 * password.
 */
export const userName: Kind<string> = Object.freeze({
  accepts: 'a name without spaces',
  parse: (text: string) =>
    /^[^\s\p{Cc}]+$/u.test(text) ? parsed(text, text) : problem('must not contain spaces or control characters')
})
