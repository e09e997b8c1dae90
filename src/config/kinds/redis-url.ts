import { type Kind, parsed, type Parsed, problem } from '../kind.ts'
import { MASK } from './secret.ts'

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
    if (!/^rediss?:\/\//.test(text)) return problem('must begin with redis:// or rediss://, such as redis://redis:6379/0')
    if (/[?#\s]/.test(text)) return problem(`must not contain ?, # or spaces: ${ENCODE}`)
    if (!URL.canParse(text)) return problem(`is not a URL: check host and port; ${ENCODE}`)
    const url = new URL(text)
    return url.hostname === '' ? problem(`names no host: ${ENCODE}`) : fromUrl(url)
  }
})
