import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startChild } from '../helpers/child.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const FREE = '127.0.0.1:0'

t.test('an address where nobody can listen ends the start, and its variable is named', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
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
