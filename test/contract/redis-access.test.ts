import t, { type Test } from 'tap'
import { entryForm, type RedisTier } from '../../src/base/cache/redis.ts'
import { connectRedis } from '../../src/base/redis/connect.ts'
import type { RedisServers, RedisSettings } from '../../src/base/redis/options.ts'
import { entryOf } from '../helpers/entry.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { keyOf, leasedCache, SECRET, sealerOf } from '../helpers/redis-tier.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { startRedis, type RedisOptions, type RedisServer } from '../helpers/redis.ts'
import { makeTls } from '../helpers/tls.ts'

const KEY = keyOf('a')

type Way = Partial<RedisSettings> & Readonly<{ host?: string, db?: number }>

/** Connects once, and says how that ended. */
async function attempt (
  t: Test,
  { port }: RedisServer,
  { host, db, ...some }: Way
): Promise<'stored' | 'not connected'> {
  const servers: RedisServers = { kind: 'one', host: host ?? '127.0.0.1', port, db: db ?? 0 }
  const settings = settingsFor(servers, some)
  const { isUp, tier } = await new Promise<{ isUp: boolean, tier: RedisTier }>(resolve => {
    const connection = connectRedis(settings, { up: () => settle(true), down: () => settle(false) })
    t.teardown(() => connection.close())
    const settle = (isUp: boolean): void =>
      resolve({
        isUp,
        tier: {
          commands: connection.commands,
          sealer: sealerOf(SECRET),
          keyPrefix: 'test:',
          clock: manualClock(),
          form: entryForm()
        }
      })
  })
  const cache = leasedCache(tier)
  const written = await cache.write(KEY, entryOf(), 20_000)
  const read = await cache.read(KEY)
  if (!isUp) return written.kind === 'unreachable' && read.kind === 'unreachable' ? 'not connected' : 'stored'
  return written.kind === 'stored' && read.kind === 'hit' ? 'stored' : 'not connected'
}

type Row = readonly [what: string, some: Way, expected: 'stored' | 'not connected']

/** One server, several ways to it. */
function ways (
  name: string,
  server: (t: Test) => RedisOptions,
  rows: (options: RedisOptions, t: Test) => readonly Row[]
): void {
  t.test(name, async (t) => {
    const warnings: string[] = []
    const note = (warning: Error): void => { warnings.push(warning.message) }
    process.on('warning', note)
    t.teardown(() => process.off('warning', note))
    const options = server(t)
    const redis = await startRedis(t, options)
    for (const [what, some, expected] of rows(options, t)) t.equal(await attempt(t, redis, some), expected, what)
    t.strictSame(warnings, [], 'Node has nothing to warn of')
  })
}

ways('over TLS the server must prove who it is', t => ({ tls: makeTls(t) }), ({ tls }, t) => [
  ['by address, with its CA', { tls: { ca: tls?.ca } }, 'stored'],
  ['by name, with its CA', { host: 'localhost', tls: { ca: tls?.ca } }, 'stored'],
  ['without its CA', { tls: { ca: undefined } }, 'not connected'],
  ['with the CA of another', { tls: { ca: makeTls(t).ca } }, 'not connected'],
  ['without TLS', {}, 'not connected']
])

ways('a user of the access list', () => ({ username: 'forward-auth', password: 'p@ss word:/' }), () => [
  ['with name and password', { username: 'forward-auth', password: 'p@ss word:/' }, 'stored'],
  ['with a wrong password', { username: 'forward-auth', password: 'x' }, 'not connected'],
  ['under another name', { username: 'default', password: 'p@ss word:/' }, 'not connected'],
  ['as nobody', {}, 'not connected']
])

ways('a password alone', () => ({ password: 'secret' }), () => [
  ['with it', { password: 'secret' }, 'stored'],
  ['with a wrong one', { password: 'Secret' }, 'not connected'],
  ['in another database', { password: 'secret', db: 3 }, 'stored']
])
