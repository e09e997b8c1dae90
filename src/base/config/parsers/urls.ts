import {
  type Endpoint, type Kind, parsed, type Parsed, problem, type PublicOrigin, quote, type ReadFile
} from '../kind.ts'
import { MASK } from './values.ts'

/** The paths that this listener answers itself, and Envoy's prefix. */
const TAKEN = /^\/(?:verify|ext-authz|webhook|identify|resource|resource-or-session|[.]well-known)(?:\/|$)/

/** Names that are the browser's own machine and nobody else's (RFC 6761, 6.3), and its address. */
const ON_THIS_MACHINE = /^http:\/\/(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,4}localhost|127\.0\.0\.1)(?::\d{1,5})?\/?$/

/** For a demo: browsers trust their own machine without HTTPS (decision 150). */
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

/** As it is registered at Authgear, which compares it exactly. */
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

/** A link on a page: of the app's own host by its path, or anywhere by its address. */
export const pageLink: Kind<string> = Object.freeze({
  accepts: 'an `https://` or `http://` URL, or a path such as `/login`',
  parse: (text: string) => {
    if (!/^(?:https?:\/\/|\/(?!\/))/.test(text)) return problem('must begin with https://, http:// or one slash')
    if (!/^[!-~]{1,512}$/.test(text) || /["'<>\\^`{|}]/.test(text) || !URL.canParse(text, 'https://app.example.com')) {
      return problem('is not a URL of at most 512 characters: check it')
    }
    return text.includes('@') ? problem('must not carry a user name or password') : parsed(text, text)
  }
})

export type RedisUrl = Readonly<{
  tls: boolean
  host: string
  port: number
  db: number
  username: string | undefined
  password: string | undefined
}>

const ENCODE = 'encode special characters of the password as %XX, or give it as REDIS_PASSWORD'

function decoded (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Without the password, which is what keeps this printable. */
function shown (url: URL): string {
  const credentials = url.password === '' ? '' : `${url.username}:${MASK}@`
  const user = url.password === '' && url.username !== '' ? `${url.username}@` : credentials
  return `${url.protocol}//${user}${url.host}${url.pathname}`
}

function fromUrl (url: URL): Parsed<RedisUrl> {
  const [, db] = /^\/?(\d{0,5})$/.exec(url.pathname) ?? []
  if (db === undefined) return problem('has a path that is not a database number, such as /0')
  const username = decoded(url.username)
  const password = decoded(url.password)
  if (username === undefined || password === undefined) return problem(`has a % that encodes nothing: ${ENCODE}`)
  if (url.port === '0') return problem('has port 0')
  return parsed({
    tls: url.protocol === 'rediss:',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(db),
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : password
  }, shown(url))
}

/** One Redis server. A secret, since it may carry a password: no message repeats any part of it. */
export const redisUrl: Kind<RedisUrl> = Object.freeze({
  accepts: '`redis://` or `rediss://` (TLS), host, port (6379), database (0)',
  parse: (text: string) => {
    if (!/^rediss?:\/\//.test(text)) {
      return problem('must begin with redis:// or rediss://, such as redis://redis:6379/0')
    }
    if (/[?#\s]/.test(text)) return problem(`must not contain ?, # or spaces: ${ENCODE}`)
    if (!URL.canParse(text)) return problem(`is not a URL: check host and port; ${ENCODE}`)
    const url = new URL(text)
    return url.hostname === '' ? problem(`names no host: ${ENCODE}`) : fromUrl(url)
  }
})

type ServiceUrl = Readonly<{ example: string, path: string }>

/**
 * A URL of one of Authgear's own services. It redirects a trailing or double slash and knows no other path, so both are
 * caught here.
 */
function serviceUrl ({ example, path }: ServiceUrl): Kind<string> {
  return Object.freeze({
    accepts: 'an `https://` or `http://` URL with its path and without query',
    parse: (text: string) => {
      if (!/^https?:\/\//i.test(text)) return problem(`must begin with https:// or http://, such as ${example}`)
      if (/[\s\\]/.test(text) || !URL.canParse(text)) return problem('is not a URL: check host and port')
      const url = new URL(text)
      if (url.username !== '' || url.password !== '' || text.includes('@')) {
        return problem('must not carry a user name or password')
      }
      if (/[?#]/.test(text)) return problem('must not carry a query or fragment')
      if (url.pathname === '/') return problem(`lacks its path: ${path}`)
      if (url.pathname.endsWith('/') || url.pathname.includes('//')) {
        return problem('has a slash too many in its path: Authgear answers that with a redirect')
      }
      return parsed(url.href, url.href)
    }
  })
}

export const resolverUrl: Kind<string> = serviceUrl({
  example: 'http://authgear-resolver:3001/resolve',
  path: '/resolve on the resolver itself, /_resolver/resolve on the public host'
})

export const adminApiUrl: Kind<string> = serviceUrl({
  example: 'http://authgear-admin:3002/graphql',
  path: '/graphql on the admin server itself, /_api/admin/graphql on the public host'
})

/**
 * An http(s) origin, brought to the form that Authgear compares character by character (docs/inside/authgear.md, "Which
 * project is asked"): lower case, without a default port. One slash at the end is forgiven; a trailing dot names
 * another host there, so it is refused. Nothing is repeated in a message, since a mistyped URL may carry a password.
 */
export const endpoint: Kind<Endpoint> = Object.freeze({
  accepts: 'an `https://` or `http://` origin: scheme, host and port only',
  parse: (text: string): Parsed<Endpoint> => {
    if (!/^https?:\/\//i.test(text)) {
      return problem('must begin with https:// or http://, such as https://myapp.authgear.cloud')
    }
    if (text.includes('@')) return problem('must not carry a user name or password')
    if (!/^[^/]+\/\/[^\s/?#\\]+\/?$/.test(text)) {
      return problem('must be an origin only: leave out path, query, fragment and spaces')
    }
    if (!URL.canParse(text)) return problem('is not a URL: check host and port')
    const url = new URL(text)
    if (url.hostname.endsWith('.')) return problem('must not end in a dot: Authgear takes that for another host')
    const scheme = url.protocol === 'https:' ? 'https' : 'http'
    return parsed({ origin: url.origin, host: url.host, scheme }, url.origin)
  }
})
