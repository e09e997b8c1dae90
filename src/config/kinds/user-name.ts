import { type Kind, parsed, problem } from '../kind.ts'

/** A Redis ACL user: anything without white space and control characters. Not repeated: people swap it with the password. */
export const userName: Kind<string> = Object.freeze({
  accepts: 'a name without spaces',
  parse: (text: string) => /^[^\s\p{Cc}]+$/u.test(text) ? parsed(text, text) : problem('must not contain spaces or control characters')
})
