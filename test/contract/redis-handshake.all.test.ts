import t from 'tap'
import { askServers } from '../../src/base/redis/servers.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { startRedis } from '../helpers/redis.ts'
import { makeTls } from '../helpers/tls.ts'

/** Each gives up a little later than the one before, so that some do in each phase of the handshake. */
const TRIES = Array.from({ length: 400 }, (_, index) => 1 + index % 40)

t.test('a connection to Redis that is given up amid its TLS handshake ends no process', async (t) => {
  const tls = makeTls(t)
  const { port } = await startRedis(t, { tls })
  for (const ca of [tls.ca, undefined]) {
    const settings = settingsFor(port, { tls: { ca } })
    for (const limitMs of TRIES) await askServers(settings, limitMs)
  }
  t.pass('no error went unheard')
})
