import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { rows } from '../../src/app/config.ts'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

/** `localhost` is both addresses, as on most machines. */
const BOTH = `
  import dns from 'node:dns'
  const lookup = dns.lookup
  const both = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]
  dns.lookup = (name, options, done) =>
    name === 'localhost' && options.all === true ? done(null, both) : lookup(name, options, done)
`

async function listens (host: string, port: number): Promise<boolean> {
  const socket = connect(port, host)
  return await once(socket, 'connect').then(() => socket.destroy() !== undefined, () => false)
}

t.test('localhost is 127.0.0.1 alone: Fastify would open a second server for ::1', async (t) => {
  const variables = rows.filter(({ variable }) => variable.listens === true).map(({ name }) => name)
  const ports = new Map(await Promise.all(variables.map(async (name) => [name, await freePort()] as const)))
  const { stop, output } = await startChild(t, {
    name: 'forward-auth',
    command: process.execPath,
    args: ['--import', `data:text/javascript,${encodeURIComponent(BOTH)}`, MAIN],
    env: {
      AUTHGEAR_ENDPOINT: 'https://a.example',
      EVENTS_TOKENS: `wiki:${'0'.repeat(32)}`,
      ...Object.fromEntries([...ports].map(([name, port]) => [name, `localhost:${port}`]))
    },
    ready: (printed) => printed.includes('"msg":"ready"')
  })
  t.ok(variables.length >= 5)
  for (const [name, port] of ports) {
    t.strictSame([await listens('127.0.0.1', port), await listens('::1', port)], [true, false], name)
  }
  t.match(output(), `main 127.0.0.1:${ports.get('LISTEN')}`, 'and the start says so')
  await stop('SIGTERM')
})
