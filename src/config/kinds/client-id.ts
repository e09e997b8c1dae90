import { type Kind, parsed, problem } from '../kind.ts'

/** An OAuth client's id (RFC 6749, A.1), without blanks. */
export const clientId: Kind<string> = Object.freeze({
  accepts: 'a client id of the project',
  parse: (text: string) => /^[!-~]{1,200}$/.test(text) ? parsed(text, text) : problem('must be the client id of the application in Authgear\'s portal: ASCII without spaces')
})
