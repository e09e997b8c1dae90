import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'
import type { PublicOrigin } from '../types.ts'

/** What this listener answers itself, and Envoy's prefix. */
const TAKEN = /^\/(?:verify|ext-authz|webhook|identify)(?:\/|$)/

/** An https origin on 443: a `__Host-` cookie, which the login rests on, is kept by nothing else. */
export const publicOrigin: Kind<PublicOrigin> = Object.freeze({
  accepts: 'an `https://` origin: scheme and host only, in lower case',
  parse: (text: string) => {
    if (!/^https:\/\//.test(text)) return problem('must begin with https://, such as https://app.example.com')
    if (!/^https:\/\/[a-z0-9.-]+(?::443)?\/?$/.test(text)) return problem('must be scheme and host name only, in lower case: leave out port, path and user')
    if (!URL.canParse(text) || new URL(text).hostname.endsWith('.')) return problem('is not a URL: check the host name')
    const { origin, hostname } = new URL(text)
    return text.replace(/:443/, '').replace(/\/$/, '') === origin ? parsed({ origin, host: hostname }, origin) : problem('is not a host name as browsers write it')
  }
})

/** The path before /login, /callback, /logout. */
export const loginPath: Kind<string> = Object.freeze({
  accepts: 'a path of letters, digits, `_`, `-` and `/`, without a slash at its end',
  parse: (text: string) => {
    if (!/^(?:\/[A-Za-z0-9_-]{1,64}){1,8}$/.test(text)) return problem(`${quote(text)} must begin with a slash, end without one, and hold letters, digits, _ and - only`)
    return TAKEN.test(text) ? problem(`${quote(text)} is a path of this service already: choose another`) : parsed(text, text)
  }
})

/** As it is registered at Authgear, which compares it exactly. */
export const redirectUri: Kind<string> = Object.freeze({
  accepts: 'an `https://` URL, exactly as it is registered at Authgear',
  parse: (text: string) => {
    if (!/^https:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) return problem('must be a URL that begins with https://')
    if (text.includes('@') || text.includes('#') || text.includes('\\')) return problem('must not carry a user name, a fragment or a backslash')
    return parsed(text, text)
  }
})
