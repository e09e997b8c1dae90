import t from 'tap'
import { ask } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { pour } from '../helpers/raw-http.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { sign, WEBHOOK_SECRET } from '../helpers/webhook.ts'

/** What the service gives V8 in a container of 128 MiB. */
const FLAGS = '--max-old-space-size=56 --max-semi-space-size=2'
const HEAD = 'POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nx-authgear-body-signature: ' +
  `${sign('guessed')}\r\n\r\n`
/** A chunk of one byte takes six on the wire, and far more than one where it is kept. */
const TINY_CHUNKS = '1\r\nx\r\n'.repeat(100_000)

t.test('webhook bodies of chunks of one byte do not end a process of 128 MiB', async (t) => {
  const simulator = await startSimulator(t)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, NODE_OPTIONS: FLAGS
  })
  await Promise.all(Array.from({ length: 8 }, () => pour(t, service.port, HEAD + TINY_CHUNKS)))
  const status = await ask(service.port, { path: '/verify' }).then((answer) => answer.status, () => 0)
  t.equal(status, 401, 'it answers')
})
