import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { startEchoApp } from '../helpers/echo-app.ts'
import { ALICE } from './people.ts'
import { envoyGrpc } from './proxies.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

t.test('an Envoy that fails open lets nobody in by gRPC', { skip: skipOrFail('envoy') }, async (t) => {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url }, { grpc: true })
  const edits = {
    'envoy.yaml': (written: string) =>
      swap(written, 'failure_mode_allow: false', 'failure_mode_allow: true')
  }
  const port = await startProxy(t, { ...envoyGrpc, edits }, {
    app: app.port, forwardAuth: [service.port], grpc: service.grpcPort
  })
  t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
  const before = app.received.length

  authgear.controls.fail('error')
  const answer = await ask(port, { headers: [['Cookie', 'session=never-seen']] })
  t.equal(answer.status, 503, 'while Authgear cannot be asked')
  t.match(JSON.parse(answer.body), { error: 'authgear_unavailable' })
  t.match(answer.headers, { 'retry-after': '2', 'x-forward-auth-reason': 'authgear_unavailable' })
  authgear.controls.recover()

  const long = await ask(port, { headers: [['Cookie', `session=${'x'.repeat(70_000)}`]] })
  t.equal(long.status, 431, 'by a request that is too long')
  t.equal(app.received.length, before, 'nothing reached the app')
})
