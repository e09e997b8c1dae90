import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import t from 'tap'
import { ask } from '../../helpers/request.ts'
import { makeTls } from '../../helpers/tls.ts'

t.test('a socket of TLS has the connection under it as _parent', async (t) => {
  const { ca, certFile, keyFile } = makeTls(t)
  const server = createSecureServer({ key: readFileSync(keyFile), cert: readFileSync(certFile), allowHTTP1: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close() })
  const [under, over] = [once(server, 'connection'), once(server, 'secureConnection')]
  const client = connectTls({ ca, port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  t.teardown(() => client.destroy())
  const [[socket], [secure]] = await Promise.all([under, over]) as [[Socket], [TLSSocket & { _parent?: Socket }]]
  t.equal(secure._parent, socket)
})

t.test('a connection of HTTP/1 has its answer under way as _httpMessage', async (t) => {
  const seen: Array<boolean> = []
  const server = createServer(({ socket }, response) => {
    const { _httpMessage: answer } = socket as Socket & { _httpMessage?: unknown }
    seen.push(answer === response)
    response.end()
  }).on('connection', (socket: Socket & { _httpMessage?: unknown }) => seen.push(socket._httpMessage != null))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close() })
  const { port } = server.address() as AddressInfo
  await ask(port)
  t.strictSame(seen, [false, true])
})
