import { connect } from 'node:net'
import t from 'tap'
import { EVENTS, openEvents } from '../helpers/event-stream.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { startSimulator } from '../helpers/simulator.ts'

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
