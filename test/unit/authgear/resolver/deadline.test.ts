import { once } from 'node:events'
import { createServer, createConnection, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { Deadline } from '../../../../src/base/authgear/resolver/deadline.ts'

t.test('its end is logged once, with a reason', async (t) => {
  const deadline = new Deadline(1)
  t.notOk(deadline.aborted)
  await once(deadline, 'abort')
  t.ok(deadline.aborted)
  t.match(deadline.reason, { name: 'TimeoutError' })
  deadline.on('abort', () => t.fail('told again'))
  await new Promise((resolve) => setTimeout(resolve, 5))
})

t.test('one that was met does not come any more', async (t) => {
  const deadline = new Deadline(1)
  deadline.met()
  deadline.on('abort', () => t.fail('it came'))
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.notOk(deadline.aborted)
})

t.test('an answer that arrived while the process stood still is heard first', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => client.destroy())
  const [peer] = await once(server, 'connection') as [Socket]
  t.teardown(() => peer.destroy())
  const heard: string[] = []
  const both = new Promise<void>((resolve) => {
    const hear = (what: string) => () => { if (heard.push(what) === 2) resolve() }
    client.once('data', hear('answer'))
    new Deadline(5).once('abort', hear('deadline'))
  })
  peer.write('answer')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  await both
  t.strictSame(heard, ['answer', 'deadline'])
})
