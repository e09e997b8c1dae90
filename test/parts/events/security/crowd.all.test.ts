import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { checkEvents, EVENTS, openEvents } from '../../../helpers/event-stream.ts'
import { MAX_READERS } from '../../../../src/parts/events/readers.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { startSimulator } from '../../../helpers/simulator.ts'

t.test('ten thousand connections that say nothing keep no app out', async (t) => {
  const simulator = await startSimulator(t)
  const { eventsPort } = await startInProcess(t, { ...EVENTS, AUTHGEAR_ENDPOINT: simulator.url })
  const sockets = []
  for (let n = 0; n < 10_000; n++) {
    const socket = connect(eventsPort, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    if (n % 500 === 499) await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  }
  const stream = await openEvents(t, eventsPort)
  t.equal(stream.events[0]?.event, 'connected')
  for (const socket of sockets) socket.destroy()
})

t.test('with every stream taken, connections that say nothing keep no app from asking', async (t) => {
  const simulator = await startSimulator(t)
  const { eventsPort } = await startInProcess(t, { ...EVENTS, AUTHGEAR_ENDPOINT: simulator.url })
  for (let n = 0; n < MAX_READERS; n += 2) {
    await Promise.all([openEvents(t, eventsPort), openEvents(t, eventsPort, { app: 'wiki' })])
  }
  for (let n = 0; n < 300; n++) {
    const socket = connect({ port: eventsPort, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {})
    t.teardown(() => socket.destroy())
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  }
  t.match(await checkEvents(eventsPort, []), { status: 200 })
})
