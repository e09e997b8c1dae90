import t from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { ALICE } from './people.ts'
import { envoyGrpc } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

// a name: BoringSSL verifies no certificate of an authority that is constrained to an address
const NAME = 'localhost'

t.test('the written configuration asks by gRPC over TLS', { skip: skipOrFail('envoy') }, async (t) => {
  const [authgear, app, tls] = [await startSimulator(t), await startEchoApp(t), makeOwnCert(t, NAME)]
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url, LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile
  }, { grpc: true })
  const port = await startProxy(t, { ...envoyGrpc, tls: true }, {
    app: app.port, forwardAuth: [service.port], grpc: service.grpcPort, forwardAuthHost: NAME, caFile: tls.caFile
  })
  t.equal((await ask(port)).status, 401)
  t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
  t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
})
