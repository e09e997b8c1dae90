import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { startRedis } from '../helpers/redis.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const FREE = '127.0.0.1:0'

/** A port on which somebody accepts connections, and never answers. */
async function startSilent (t: Test): Promise<number> {
  const silent = createServer().listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const address = silent.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

t.test('a start that fails blames neither Redis nor Authgear, which it leaves itself', async (t) => {
  const [taken, redis] = [await startSilent(t), await startRedis(t)]
  for (const variable of ['LISTEN', 'MANAGEMENT_LISTEN']) {
    const child = await startChild(t, {
      name: 'forward-auth',
      command: process.execPath,
      args: [MAIN],
      env: {
        AUTHGEAR_ENDPOINT: `http://127.0.0.1:${taken}`,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
        REDIS_TIMEOUT: '5s', // on a busy machine Redis is late
        CACHE_SECRET: 'x'.repeat(32),
        // with its keys under way when the start fails; before LISTEN is tried they have failed truly
        ...variable === 'MANAGEMENT_LISTEN' && { RESOURCES: 'https://api.example.com' },
        LISTEN: FREE,
        MANAGEMENT_LISTEN: FREE,
        [variable]: `127.0.0.1:${taken}`
      },
      ready: (output) => output.includes('cannot start')
    })
    t.equal(await child.ended, 1, variable)
    const lines = child.output().split('\n').filter((line) => line !== '' && !line.includes('Redis is connected'))
    t.match(lines, [/EADDRINUSE.*"cannot start"/], variable)
    t.equal(lines.length, 1, lines.join('\n'))
  }
})

t.test('an address where nobody can listen ends the start, and its variable is named', async (t) => {
  const port = await startSilent(t)
  const rows: ReadonlyArray<readonly [variable: string, at: string, why: string]> = [
    ['LISTEN', `127.0.0.1:${port}`, 'another program listens there'],
    ['MANAGEMENT_LISTEN', `127.0.0.1:${port}`, 'another program listens there'],
    ['IDENTIFY_LISTEN', `127.0.0.1:${port}`, 'another program listens there'],
    ['LISTEN_GRPC', `127.0.0.1:${port}`, 'another program listens there'],
    ['LISTEN', '192.0.2.1:4180', 'this machine has no such address'], // RFC 5737: documentation
    ['LISTEN', '/no/such/folder/verify.sock', 'this user may not, or there is no such folder']
  ]
  for (const [variable, at, why] of rows) {
    const child = await startChild(t, {
      name: 'forward-auth',
      command: process.execPath,
      args: [MAIN],
      env: {
        AUTHGEAR_ENDPOINT: 'https://a.example',
        LISTEN: FREE,
        MANAGEMENT_LISTEN: FREE,
        [variable]: at.startsWith('/') ? `unix:${at}` : at
      },
      ready: (output) => output.includes('cannot start')
    })
    t.equal(await child.ended, 1, variable)
    t.match(child.output(), `${variable}: cannot listen at ${at}: ${why}`)
  }
})
