import { type ClientName, type ClientNameReading, readClientName } from '../../core/client-name.ts'
import { type Kind, parsed, problem, quote } from '../kind.ts'

/** An OAuth client's id (RFC 6749, A.1), without blanks. */
export const clientId: Kind<string> = Object.freeze({
  accepts: 'a client id of the project',
  parse: (text: string) =>
    /^[!-~]{1,200}$/.test(text)
      ? parsed(text, text)
      : problem("must be the client id of the application in Authgear's portal: ASCII without spaces")
})

/** The beginning of a cookie's name: a token of RFC 6265 (RFC 9110, 5.6.2). */
export const cookiePrefix: Kind<string> = Object.freeze({
  accepts: 'the beginning of a cookie name (a token of RFC 6265)',
  parse: (text: string) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,100}$/.test(text)
    ? parsed(text, text)
    : problem(`${quote(text)} cannot begin a cookie's name: letters, digits and !#$%&'*+-.^_\`|~ only, 100 at most`)
})

/** What every key in Redis begins with. Braces would put all keys on one node of a cluster. */
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

const MAX_NAMES = 1000

/** Clients, by id or host, as a block names them. */
export const clientNames: Kind<readonly ClientName[]> = Object.freeze({
  accepts: 'client ids, `https://host` or `https://*.host`, separated by white space',
  parse: (text: string) => {
    const entries = text.trim().split(/\s+/)
    const readings = entries.map(readEntry)
    const problems = readings.flatMap((reading) => reading.kind === 'problem' ? [reading.why] : [])
    if (entries.length > MAX_NAMES) problems.push(`has more than ${MAX_NAMES} entries`)
    const names = readings.flatMap((reading) => reading.kind === 'name' ? [reading.name] : [])
    return problems.length === 0 ? parsed(names, names.join(' ')) : problem(problems.join('; '))
  }
})

/** In a list a comma is a mistake: it would block nobody. */
function readEntry (entry: string): ClientNameReading {
  const wrong = (why: string) => ({ kind: 'problem', why: `${quote(entry)} ${why}` }) as const
  if (entry.includes(',')) return wrong('has a comma: separate names by white space')
  if (/^http:/i.test(entry)) return wrong('begins with http://: a client whose id is a URL has https://')
  const reading = readClientName(entry)
  return reading.kind === 'problem' ? wrong(reading.why) : reading
}
