import { type ClientName, type ClientNameReading, readClientName } from '../../core/client-name.ts'
import type { App } from '../../shared/events/event.ts'
import { type Kind, parsed, problem, quote } from '../kind.ts'
import { MASK } from './values.ts'

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

const MAX_APPS = 100
/** As `audience=` takes it, then a token of 32 characters or more, which has no colon. */
const APP = /^([a-zA-Z0-9_.:-]{1,100}):([A-Za-z0-9_~.+/=-]{32,256})$/
const ADVICE =
  'write NAME:TOKEN, where NAME is the audience= of its route (default where that names none) and TOKEN has 32 ' +
    'characters or more (openssl rand -hex 32)'

/** Apps and their tokens; one may have two, while they are changed. */
export const appTokens: Kind<readonly App[]> = Object.freeze({
  accepts: '`name:token`, separated by commas or lines',
  parse: (text: string) => {
    const entries = text.split(/[,\n]/).map((entry) => entry.trim()).filter((entry) => entry !== '')
    const apps = entries.flatMap((entry) => {
      const [, name, token] = APP.exec(entry) ?? []
      return name === undefined || token === undefined ? [] : [{ name, token }]
    })
    const wrong = entries.findIndex((entry) => !APP.test(entry))
    if (wrong !== -1 || apps.length === 0) return problem(`entry ${wrong + 1} cannot be one: ${ADVICE}`)
    if (apps.length > MAX_APPS) return problem(`has more than ${MAX_APPS} apps`)
    const twice = (values: readonly string[]): string | undefined => values.find((one, i) => values.indexOf(one) !== i)
    const token = twice(apps.map((app) => app.token))
    if (token !== undefined) return problem('has one token for two apps: make each its own')
    return parsed(apps, apps.map((app) => `${app.name}:${MASK}`).join(','))
  }
})
