import t from 'tap'
import { CHECK_PATH } from '../../../../src/parts/grpc/listener.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { grpcClient } from '../../../helpers/grpc.ts'
import { startProcess } from '../../../helpers/process.ts'
import { pour } from '../../../helpers/raw-http.ts'
import { startSimulator } from '../../../helpers/simulator.ts'

/** What the service gives V8 in a container of 128 MiB. */
const FLAGS = '--max-old-space-size=56 --max-semi-space-size=2'
const text = (value: string): string => String.fromCharCode(value.length) + value
/** POST, http, and the four lines of a call (RFC 7541). */
const HEAD = `\x83\x86\x44${text(CHECK_PATH)}\x41${text('x')}\x5f${text('application/grpc')}\x40${text('te')}` +
  text('trailers')
const frame = (type: number, flags: number, stream: number, payload: string): Buffer =>
  Buffer.from(`\0${String.fromCharCode(payload.length >> 8, payload.length & 255, type, flags, 0, 0, 0, stream)}${
    payload}`, 'latin1')
const START = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, ''), frame(1, 4, 1, HEAD),
  frame(0, 0, 1, '\0\0\x03\0\0')
])
/** A frame of one byte takes ten on the wire, and far more than one where it is kept. As many as the window takes. */
const TINY_FRAMES = Array.from({ length: 65_530 }, () => frame(0, 0, 1, '\0'))
/** A message in such frames that does not end. */
const ENDLESS = Buffer.concat([START, ...TINY_FRAMES])

t.test('messages in frames of one byte do not end a process of 128 MiB', async (t) => {
  const simulator = await startSimulator(t)
  const grpcPort = await freePort()
  await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_GRPC: `127.0.0.1:${grpcPort}`, NODE_OPTIONS: FLAGS
  })
  await Promise.all(Array.from({ length: 8 }, () => pour(t, grpcPort, ENDLESS)))
  t.equal(await grpcClient(t, grpcPort).health(), 1, 'it answers')
})
