import { once } from 'node:events'
import { connect, type Http2Session } from 'node:http2'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { trackConnections } from '../../src/base/http/drain.ts'
import { serverOf } from '../../src/base/http/listener.ts'
import { makeTls } from '../helpers/tls.ts'

const SESSIONS = 20

t.test('memory holds no HTTP/2 session that has ended', async (t) => {
  const { caFile, certFile, keyFile } = makeTls(t)
  const read = (file: string): string => readFileSync(file, 'utf8')
  const ca = read(caFile)
  const tls = { key: read(keyFile), cert: read(certFile), ca: undefined }
  const server = serverOf(tls, (_request, response) => response.end('answered'))
  const { drain } = trackConnections(server)
  t.teardown(() => drain(0))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const seen: Array<WeakRef<Http2Session>> = []
  const ended: Array<Promise<unknown>> = []
  server.on('session', (session: Http2Session) => {
    seen.push(new WeakRef(session))
    ended.push(new Promise<void>((resolve) => session.once('close', resolve)))
  })
  for (let count = 0; count < SESSIONS; count++) {
    const client = connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' })
    await once(client, 'connect')
    client.close()
    await once(client, 'close')
  }
  await Promise.all(ended)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let turn = 0; turn < 10; turn++) {
    await setImmediate()
    collect()
  }
  const held = seen.filter((session) => session.deref() !== undefined).length
  t.equal(seen.length, SESSIONS)
  t.ok(held <= 1, `of ${SESSIONS} sessions that ended ${held} are held`)
})
