import { type Kind, parsed, type Parsed, problem } from '../kind.ts'
import type { Endpoint } from '../types.ts'

/**
 * An http(s) origin, brought to the form that Authgear compares character by character (authgear.md 1.1):
 * lower case, without a default port. One slash at the end is forgiven; a trailing dot names another host there, so it is refused.
 * Nothing is repeated in a message, since a mistyped URL may carry a password.
 */
export const endpoint: Kind<Endpoint> = Object.freeze({
  accepts: 'an `https://` or `http://` origin: scheme, host and port only',
  parse: (text: string): Parsed<Endpoint> => {
    if (!/^https?:\/\//i.test(text)) return problem('must begin with https:// or http://, such as https://myapp.authgear.cloud')
    if (text.includes('@')) return problem('must not carry a user name or password')
    if (!/^[^/]+\/\/[^\s/?#\\]+\/?$/.test(text)) return problem('must be an origin only: leave out path, query, fragment and spaces')
    if (!URL.canParse(text)) return problem('is not a URL: check host and port')
    const url = new URL(text)
    if (url.hostname.endsWith('.')) return problem('must not end in a dot: Authgear takes that for another host')
    const scheme = url.protocol === 'https:' ? 'https' : 'http'
    return parsed({ origin: url.origin, host: url.host, scheme }, url.origin)
  }
})
