import t from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { ALICE } from './people.ts'
import { envoyGrpc } from './proxies.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

/** As Contour sets Envoy up: nothing is stripped, underscores pass, and forward-auth is shown every header. */
function bare (written: string): string {
  const shown = swap(written, / +allowed_headers: .*\n/, '')
  const unstripped = swap(shown, / {10}- name: strip\n[^]*?(?= {10}- name: envoy[.]filters[.]http[.]ext_authz\n)/, '')
  return swap(unstripped, 'headers_with_underscores_action: DROP_HEADER', 'headers_with_underscores_action: ALLOW')
}

const WAYS: Readonly<Record<string, (written: string) => string>> = {
  'each line by itself': bare,
  'lines of one name joined': (written) => swap(bare(written), 'encode_raw_headers: true', 'encode_raw_headers: false')
}

const FORGED: readonly HeaderLine[] = [
  'X-Authgear-User-Id', 'x-authgear-user-id', 'X_Authgear_User_Id', 'X-Authgear_User-Id', 'x.authgear.user.id',
  'x~authgear-user-id', "x'authgear'user'id", 'X-Authgear-User-Roles', 'X_AUTHGEAR_USER_ROLES', 'x-authgear-new',
  'Remote-User', 'remote_user', 'X-Forwarded-User', 'X_Forwarded_Email', 'X-Forward-Auth-Assertion',
  'X_Forward_Auth_Assertion'
].flatMap((name): HeaderLine[] => [[name, 'forged'], [name, 'forged-too']])

for (const [name, edit] of Object.entries(WAYS)) {
  t.test(`a bare Envoy lets no forged identity through: ${name}`, { skip: skipOrFail('envoy') }, async (t) => {
    const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url }, { grpc: true })
    const port = await startProxy(t, { ...envoyGrpc, edits: { 'envoy.yaml': edit } }, {
      app: app.port, forwardAuth: [service.port], grpc: service.grpcPort
    })
    t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie], ...FORGED] })).status, 200)
    t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
    t.strictSame(app.received.at(-1)?.rawHeaders.filter((text) => text.startsWith('forged')), [])
  })
}
