import { type Endpoint, type Kind, parsed, type Parsed, problem } from '../kind.ts'
import { MASK } from './values.ts'

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
  if (username === undefined || password === undefined) return problem(`has a % that is not an escape: ${ENCODE}`)
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
 * A URL of one of Authgear's own services. It redirects a trailing or double slash and serves no other path, so both
 * are caught here.
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
        return problem('has an extra slash in its path: Authgear answers that with a redirect')
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
