import fc from 'fast-check'
import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { loadConfig } from '../../../src/app/config.ts'
import { holds } from '../../helpers/property.ts'
import { configOf, ENDPOINT, errorsOf, holds as rowsHold, load, type Row } from './helpers.ts'

const SECRET = 'k'.repeat(32)
const redis = { REDIS_URL: 'redis://redis' }

t.test('one trailing line break in a secret\'s file is ignored', async (t) => {
  for (const [end, left] of [['', ''], ['\n', ''], ['\r\n', ''], ['\n\n', '\n'], [' ', ' ']] as const) {
    const row: Row = [{ CACHE_SECRET_FILE: '/s' }, { cache: { secret: `${SECRET}${left}` } }]
    rowsHold(t, [row], redis, { '/s': `${SECRET}${end}` })
  }
})

t.test('every secret has its file', async t => {
  const files = { '/url': 'redis://redis:6380\n', '/pw': 'pw\n', '/s': 'none\n' }
  const config = configOf(load({ REDIS_URL_FILE: '/url', REDIS_PASSWORD_FILE: '/pw', CACHE_SECRET_FILE: '/s' }, files))
  t.match(config.redis, { servers: { port: 6380 }, password: 'pw' })
  t.equal(config.cache.secret, undefined)
})

const BAD: readonly Row[] = [
  [{ CACHE_SECRET: SECRET, CACHE_SECRET_FILE: '/s' }, /^CACHE_SECRET: is set and CACHE_SECRET_FILE too/],
  [{ CACHE_SECRET_FILE: '/none' }, /^CACHE_SECRET_FILE: names a file that cannot be read \(ENOENT\)/],
  [{ CACHE_SECRET_FILE: '/empty' }, /^CACHE_SECRET_FILE: names an empty file/],
  [{ CACHE_SECRET_FILE: '/binary' }, /^CACHE_SECRET_FILE: names a file that is not text/],
  [{ CACHE_SECRET_FILE: '/short' }, /^CACHE_SECRET_FILE: is shorter than 32 bytes/],
  [{ CACHE_SECRET: 'ä'.repeat(15) }, /^CACHE_SECRET: is shorter than 32 bytes/]
]

t.test('a secret that cannot be one is refused; its length counts bytes, not characters', async (t) => {
  const files = { '/s': SECRET, '/empty': '\n', '/short': 'x\n', '/binary': Buffer.alloc(40, 0xff).toString('utf8') }
  rowsHold(t, BAD, redis, files)
  rowsHold(t, [[{ CACHE_SECRET: 'ä'.repeat(16) }, []]], redis)
})

t.test('a directory is no file: the code says so, the path is not repeated', async t => {
  t.match(
    errorsOf(loadConfig({ AUTHGEAR_ENDPOINT: ENDPOINT, REDIS_PASSWORD_FILE: '/tmp', ...redis, CACHE_SECRET: SECRET })),
    [/^REDIS_PASSWORD_FILE: .*\(EISDIR\)/]
  )
})

/** What `check` prints, and its exit code. */
function printed (env: NodeJS.ProcessEnv): string {
  const lines: string[] = []
  check([], env, { write: text => lines.push(text) })
  return lines.join('')
}

/** A word that nothing else prints, with every character that could break a parser around it. */
const secret = fc.tuple(
  fc.string({ maxLength: 4 }), fc.stringMatching(/^[a-zA-Z0-9]{12}$/), fc.string({ unit: 'grapheme', maxLength: 40 })
)

/** Everywhere that a person may put a secret, rightly or by mistake. */
const places: readonly ((text: string) => NodeJS.ProcessEnv)[] = [
  text => ({ CACHE_SECRET: text }),
  text => ({ CACHE_SECRET_FILE: text }),
  text => ({ CACHE_SECRET: text, CACHE_SECRET_FILE: text }),
  text => ({ CACHE_SECERT: text }),
  text => ({ REDIS_PASSWORD: text }),
  text => ({ REDIS_PASSWORD: text, REDIS_URL: '' }),
  text => ({ REDIS_URL: `redis://app:${encodeURIComponent(text)}@redis/0` }),
  text => ({ REDIS_URL: `redis://app:${text}@redis/0` }),
  text => ({ REDIS_URL: `redis://:${text}@redis/0`, REDIS_PASSWORD: text }),
  text => ({ REDIS_URL: text }),
  text => ({ REDIS_URL_FILE: text }),
  text => ({ AUTHGEAR_ENDPOINT: `https://u:${text}@myapp.authgear.cloud` }),
  text => ({ AUTHGEAR_RESOLVER_URL: `https://u:${text}@myapp.authgear.cloud/resolve` }),
  text => ({ AUTHGEAR_ADMIN_API_KEY: text }),
  text => ({ AUTHGEAR_ADMIN_API_KEY_FILE: text }),
  text => ({ AUTHGEAR_ADMIN_API_URL: `https://u:${text}@myapp.authgear.cloud/graphql` })
]

t.test('no secret is ever printed, wherever it was put', async t => {
  await holds(t, fc.property(secret, fc.constantFrom(...places), ([before, word, after], place) => {
    const text = `${before}${word}${after}`.replaceAll('\0', '')
    const output = printed({ AUTHGEAR_ENDPOINT: ENDPOINT, ...redis, CACHE_SECRET: SECRET, ...place(text) })
    return output !== '' && !output.includes(word)
  }), 3000)
})
