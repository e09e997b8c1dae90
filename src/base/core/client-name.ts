/**
 * The name in a block: a client by its id; or, of clients whose id is a URL, each of a host (`https://host`) or all
 * below one (`https://*.host`). In one spelling, so that names are compared as texts.
 */
export type ClientName = string & { readonly __brand: 'ClientName' }

export type ClientNameReading =
  | Readonly<{ kind: 'name', name: ClientName }>
  /** `why` repeats nothing of what was read. */
  | Readonly<{ kind: 'problem', why: string }>

const MAX_LENGTH = 256
const VISIBLE = /^[\x21-\x7e]+$/
const IS_URL = /^https:/i
/** A URL as people write it: with two slashes, and then a host. */
const WITH_HOST = /^https:\/\/[^/\\]/i
/** Without path, query and fragment, it is a host. */
const HOST_ALONE = /^https:\/\/(\*\.)?([^/?#\\]+)$/i
const IPV4 = /^[\d.]+$/

export function readClientName (text: string): ClientNameReading {
  if (text.length > MAX_LENGTH) return problem(`is longer than ${MAX_LENGTH} characters`)
  if (!IS_URL.test(text)) {
    if (!VISIBLE.test(text)) return problem('is empty, or has a character that no client id has')
    return text.startsWith('*') ? problem('is not a client id: for a host write https://*.example.com') : named(text)
  }
  if (!WITH_HOST.test(text)) return problem('is not an https:// URL with a host')
  const [, wildcard, host] = HOST_ALONE.exec(text) ?? []
  return host === undefined ? readUrl(text) : readHost(host, wildcard !== undefined)
}

/** @returns every name under which a block holds for the client with that id */
export function namesOfClient (clientId: string): readonly ClientName[] {
  const url = IS_URL.test(clientId) ? parse(clientId) ?? leniently(clientId) : undefined
  if (url === undefined) return [clientId as ClientName]
  const host = hostOf(url)
  const labels = host.split('.')
  const above = labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'))
  const texts = [spelled(url), originOf(host, url), ...above.map((parent) => originOf(`*.${parent}`, url))]
  return texts as readonly string[] as readonly ClientName[]
}

const named = (text: string): ClientNameReading => ({ kind: 'name', name: text as ClientName })
const problem = (why: string): ClientNameReading => ({ kind: 'problem', why })

const WITH_SLASH = 'is one document: leave out the slash for every client of that host'

function readUrl (text: string): ClientNameReading {
  const url = parse(text)
  if (url === undefined || hostOf(url).includes('*')) return problem('is not a URL, or has a * after its host')
  if (hasUser(url)) return problem('has a user name before its host')
  // 200 for a block that holds for nobody would be believed
  if (url.pathname === '/' && url.search === '') return problem(WITH_SLASH)
  return bounded(spelled(url))
}

function readHost (text: string, isWildcard: boolean): ClientNameReading {
  const url = parse(`https://${text}`)
  // %2A is a * as well
  if (url === undefined || hostOf(url).includes('*')) return problem('is not a host name, with or without *.')
  if (hasUser(url) || text.includes('@')) return problem('has a user name before its host')
  const host = hostOf(url)
  if (!isWildcard) return bounded(originOf(host, url))
  if (IPV4.test(host) || host.startsWith('[')) return problem('has an IP address after *.')
  return host.includes('.')
    ? bounded(originOf(`*.${host}`, url))
    : problem('would be every host of a top-level domain')
}

/** A name beyond ASCII is longer as a host name. */
function bounded (text: string): ClientNameReading {
  return text.length > MAX_LENGTH ? problem(`is longer than ${MAX_LENGTH} characters`) : named(text)
}

type Parts = Readonly<Pick<URL, 'hostname' | 'port' | 'pathname' | 'search' | 'username' | 'password'>>

function parse (text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

const LENIENT = /^https:[/\\]*(?:[^/\\?#]*@)?([^/\\?#@]*?)(?::(\d*))?([/\\][^?#]*)?(\?[^#]*)?(?:#.*)?$/is

/**
 * Addresses that another parser takes, and WHATWG's refuses: a host with `<` before a label, say, is below its domain.
 */
function leniently (text: string): Parts | undefined {
  const [, host, port = '', pathname = '/', search = ''] = LENIENT.exec(text) ?? []
  if (host === undefined || host === '') return undefined
  return {
    hostname: host.toLowerCase(), port: port === '443' ? '' : port, pathname, search, username: '', password: ''
  }
}

const hasUser = ({ username, password }: Parts): boolean => username !== '' || password !== ''

/** In lower case, as ASCII, an address in its usual form; `example.com.` is `example.com`. */
const hostOf = ({ hostname }: Parts): string => hostname.replace(/\.+$/, '')

/** The default port is none; another one is another origin. */
const originOf = (host: string, { port }: Parts): string => `https://${host}${port === '' ? '' : `:${port}`}`

/** All spellings of one document's URL are one (RFC 3986, section 6.2.2): user name and fragment name no other. */
function spelled (url: Parts): string {
  return `${originOf(hostOf(url), url)}${unescaped(url.pathname)}${unescaped(url.search)}`
}

const UNRESERVED = /^[\w.~-]$/

function unescaped (text: string): string {
  return text.replace(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16))
    return UNRESERVED.test(character) ? character : escape.toUpperCase()
  })
}
