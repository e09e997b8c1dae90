import { ask, type HeaderLine } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE } from '../people.ts'
import type { Proxy } from '../proxy.ts'
import { swap } from '../snippets.ts'
import type { Case } from './case.ts'

const byGrpc = ({ grpc }: Proxy): boolean => grpc === true

/** As bare as can be: nothing is stripped, underscores pass, and forward-auth is shown every header. */
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

export const envoyGrpc: readonly Case[] = [
  ...Object.entries(WAYS).map(([name, edit]): Case => ({
    name: `a bare Envoy lets no forged identity through: ${name}`,
    only: byGrpc,
    async run (t, stack, proxy) {
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits: { 'envoy.yaml': edit } })
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie], ...FORGED] })).status, 200)
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
      t.strictSame(app.received.at(-1)?.rawHeaders.filter((text) => text.startsWith('forged')), [])
    }
  })),
  {
    name: 'an Envoy that fails open admits no request',
    only: byGrpc,
    async run (t, stack, proxy) {
      const edits = {
        'envoy.yaml': (written: string) => swap(written, 'failure_mode_allow: false', 'failure_mode_allow: true')
      }
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits })
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
      const before = app.received.length

      stack.authgear.controls.fail('error')
      const answer = await ask(port, { headers: [['Cookie', 'session=never-seen']] })
      t.equal(answer.status, 503, 'while Authgear cannot be asked')
      t.match(JSON.parse(answer.body), { error: 'authgear_unavailable' })
      t.match(answer.headers, { 'retry-after': '2', 'x-forward-auth-reason': 'authgear_unavailable' })
      stack.authgear.controls.recover()

      const long = await ask(port, { headers: [['Cookie', `session=${'x'.repeat(70_000)}`]] })
      t.equal(long.status, 431, 'by a request that is too long')
      t.equal(app.received.length, before, 'nothing reached the app')
    }
  }
]
