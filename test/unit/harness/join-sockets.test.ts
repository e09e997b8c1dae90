import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startBalancer } from '../../helpers/balancer.ts'
import { untilClosed } from '../../helpers/raw-http.ts'
import { startRelay } from '../../helpers/relay.ts'

const BYTES = 1024 * 1024

const LINKS = [
  ['a balancer', async (t: Test, port: number) => (await startBalancer(t, [port])).port],
  ['a relay', async (t: Test, port: number) => (await startRelay(t, port)).port]
] as const

for (const [name, startLink] of LINKS) {
  t.test(`${name} leaves a half-closed connection to who still writes`, async (t) => {
    const server = await listen(t)
    const client = connect({ port: await startLink(t, server.port), allowHalfOpen: true })
    client.write('request')
    const accepted = await server.accepted
    await once(accepted, 'data')
    accepted.end('answer')
    t.equal(String((await once(client, 'data'))[0]), 'answer')
    await once(client, 'end')
    let received = 0
    accepted.on('data', (chunk: Buffer) => { received += chunk.length })
    client.end(Buffer.alloc(BYTES))
    await once(accepted, 'end')
    t.equal(received, BYTES, 'all of what was written after the answer')
  })

  t.test(`${name} closes what the other side has reset`, async (t) => {
    const server = await listen(t)
    const client = connect(await startLink(t, server.port))
    const closed = untilClosed(client.resume())
    ;(await server.accepted).resetAndDestroy()
    await closed
    t.pass('the client is closed')
  })
}

async function listen (t: Test): Promise<{ port: number, accepted: Promise<Socket> }> {
  const server: Server = createServer({ allowHalfOpen: true })
  t.teardown(() => { server.close() })
  const accepted = once(server, 'connection').then(([socket]) => (socket as Socket).on('error', () => {}))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as AddressInfo).port, accepted }
}
