import { type Kind, parsed, type Parsed, problem, quote, type ReadFile } from '../../base/config/kind.ts'

/** An OAuth client's id (RFC 6749, A.1), without blanks. */
export const clientId: Kind<string> = Object.freeze({
  accepts: 'a client id of the project',
  parse: (text: string) =>
    /^[!-~]{1,200}$/.test(text)
      ? parsed(text, text)
      : problem("must be the client id of the application in Authgear's portal: ASCII without spaces")
})

/** An https origin on 443, or an http one of this very machine; `host` has no port. */
export type PublicOrigin = Readonly<{ origin: string, host: string }>

/** The paths that this listener answers itself, and Envoy's prefix. */
const TAKEN = /^\/(?:verify|ext-authz|webhook|identify|resource|resource-or-session|[.]well-known)(?:\/|$)/

/** Names that are the browser's own machine and nobody else's (RFC 6761, 6.3), and its address. */
const ON_THIS_MACHINE = /^http:\/\/(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,4}localhost|127\.0\.0\.1)(?::\d{1,5})?\/?$/

/** Reads the origin of a demo: browsers trust their own machine without HTTPS (decision 150). */
function localOrigin (text: string): Parsed<PublicOrigin> {
  if (!URL.canParse(text)) return problem('has no port from 1 to 65535')
  const { origin, hostname, port } = new URL(text)
  return port !== '0' && text.replace(/\/$/, '') === origin
    ? parsed({ origin, host: hostname }, origin)
    : problem('is not an origin as browsers write it')
}

/**
 * An https origin on 443, or one of this very machine: a `__Host-` cookie, which the login rests on, is kept by nothing
 * else.
 */
const publicOrigin: Kind<PublicOrigin> = Object.freeze({
  accepts: 'an `https://` origin: scheme and host only, in lower case; for a demo `http://localhost:PORT`',
  parse: (text: string) => {
    if (ON_THIS_MACHINE.test(text)) return localOrigin(text)
    if (!/^https:\/\//.test(text)) return problem('must begin with https://, such as https://app.example.com')
    if (!/^https:\/\/[a-z0-9.-]+(?::443)?\/?$/.test(text)) {
      return problem('must be scheme and host name only, in lower case: leave out port, path and user')
    }
    if (!URL.canParse(text) || new URL(text).hostname.endsWith('.')) return problem('is not a URL: check the host name')
    const { origin, hostname } = new URL(text)
    return text.replace(/:443/, '').replace(/\/$/, '') === origin
      ? parsed({ origin, host: hostname }, origin)
      : problem('is not a host name as browsers write it')
  }
})

/** A longer list is a mistake, and each one costs a request some nanoseconds. */
const MAX_ORIGINS = 100

export const publicOrigins: Kind<readonly PublicOrigin[]> = Object.freeze({
  accepts: `${publicOrigin.accepts}; with \`LOGIN_SESSION=own\` several of them, separated by commas`,
  parse: (text: string, readFile: ReadFile) => {
    const each = text.split(',').map((one) => publicOrigin.parse(one.trim(), readFile))
    const wrong = each.find((one) => one.kind === 'problem')
    if (wrong !== undefined) return wrong
    const origins = each.flatMap((one) => one.kind === 'parsed' ? [one.value] : [])
    if (new Set(origins.map(({ origin }) => origin)).size < origins.length) return problem('names an origin twice')
    if (origins.length > MAX_ORIGINS) return problem(`names more than ${MAX_ORIGINS} origins`)
    return parsed(origins, origins.map(({ origin }) => origin).join(','))
  }
})

/** The path before /login, /callback, /logout. */
export const loginPath: Kind<string> = Object.freeze({
  accepts: 'a path of letters, digits, `_`, `-` and `/`, without a slash at its end',
  parse: (text: string) => {
    if (!/^(?:\/[A-Za-z0-9_-]{1,64}){1,8}$/.test(text)) {
      return problem(`${quote(text)} must begin with a slash, end without one, and hold letters, digits, _ and - only`)
    }
    return TAKEN.test(text)
      ? problem(`${quote(text)} is a path of this service already: choose another`)
      : parsed(text, text)
  }
})

/** A URL as it is registered at Authgear, which compares it exactly. */
export const redirectUri: Kind<string> = Object.freeze({
  accepts: 'an `https://` URL, exactly as it is registered at Authgear',
  parse: (text: string) => {
    if (!/^https:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) {
      return problem('must be a URL that begins with https://')
    }
    if (text.includes('@') || text.includes('#') || text.includes('\\')) {
      return problem('must not carry a user name, a fragment or a backslash')
    }
    return parsed(text, text)
  }
})

/** A name as browsers write it: ASCII, lower case, no dot at its end. */
const LOGIN_HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

function loginHostProblem (entry: string): string | undefined {
  const name = entry.replace(/^\*\./, '')
  if (/[/@]/.test(entry)) return `${quote(entry)} is not a host name: leave out scheme and path`
  if (/:/.test(entry)) return `${quote(entry)} has a port other than 443: people come back over https on its own port`
  if (name !== name.toLowerCase()) return `${quote(entry)} is not in lower case`
  if (!LOGIN_HOST_NAME.test(name) || !isOneName(name)) return `${quote(entry)} is not a host name, nor one behind *.`
  return name !== entry && !name.includes('.') ? `${quote(entry)} would be every host of a top-level domain` : undefined
}

/** `1.2` and `0x7f.1` are read as addresses by browsers, and then are no longer what was compared. */
function isOneName (name: string): boolean {
  return URL.canParse(`https://${name}`) && new URL(`https://${name}`).hostname === name
}

/** Hosts that people may be sent back to. `*.example.com` is every host below example.com, and not that one itself. */
export const loginHosts: Kind<readonly string[]> = Object.freeze({
  accepts: 'host names or `*.example.com`, separated by commas; lower case, ASCII, no port but 443',
  parse: (text: string) => {
    const entries = text.split(',').map((entry) => entry.trim().replace(/:443$/, '')).filter((entry) => entry !== '')
    const problems = entries.map(loginHostProblem).filter((found) => found !== undefined)
    if (entries.length === 0) return problem('names no host')
    return problems.length === 0 ? parsed(entries, entries.join(',')) : problem(problems.join('; '))
  }
})
