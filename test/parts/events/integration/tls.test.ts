import { connect } from 'node:http2'
import t from 'tap'
import { APPS, EVENTS } from '../../../helpers/event-stream.ts'
import { overTls, startInProcess } from '../../../helpers/in-process.ts'
import { ask } from '../../../helpers/request.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'
import { until } from '../../../helpers/until.ts'
import { disabled } from '../../../helpers/log-entry.ts'

const AUTHORIZATION = `Bearer ${APPS.wiki}`

t.test('over TLS apps read by HTTP/2 too, several streams on a connection', async (t) => {
  const tls = makeTls(t)
  const simulator = await startSimulator(t)
  const { eventsPort, service } = await startInProcess(t, {
    ...EVENTS, AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls)
  })
  const session = connect(`https://localhost:${eventsPort}`, { ca: tls.ca })
  t.teardown(() => session.destroy())
  const texts = ['', '']
  const streams = texts.map((_, n) => {
    const stream = session.request({ ':path': '/events', authorization: AUTHORIZATION })
    stream.setEncoding('utf8').on('data', (text: string) => { texts[n] += text })
    return stream
  })
  await until('both begin', () => texts.every((text) => text.includes('event: connected')))
  await service.revocations?.revocations.revoke(disabled('u1'))
  await until('both are told', () => texts.every((text) => text.includes('"user":"u1"')))
  streams[0]?.close()
  await until('one is gone', async () => (await service.metrics.render()).includes('streams{app="wiki"} 1'))
  const check = await ask(eventsPort, {
    method: 'POST',
    path: '/events/check',
    headers: [['Authorization', AUTHORIZATION]],
    body: '{"sessions":["x"]}',
    tls: { ca: tls.ca, servername: 'localhost' }
  })
  t.match(check, { status: 200, body: /"unknown":\["x"\]/ }, 'and by HTTP/1.1')
  service.leave()
  await until('the other is sent elsewhere', () => texts[1]?.includes('event: moving') === true)
})
