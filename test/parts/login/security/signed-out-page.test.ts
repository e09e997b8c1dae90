import t from 'tap'
import { STRICT } from '../../../helpers/login-answers.ts'
import { APP, startLoginWorld } from '../../../helpers/login-world.ts'
import { startOwnWorld } from '../../../helpers/own-session-world.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'

const PAGE = '/_auth/logged-out'
/** Each is how a proxy that asks says what its client wants. */
const ASKS: ReadonlyArray<readonly HeaderLine[]> = [
  [['X-Forwarded-Uri', '/admin']],
  [['X-Forwarded-Uri', '']],
  [['X-Forwarded-Uri', `${PAGE}/`]],
  [['X-Forwarded-Uri', '/_auth/logged-oux']],
  [['X-Forwarded-Uri', PAGE], ['X-Forwarded-Uri', '/admin']],
  [['x-forwarded-uri', PAGE], ['X-ORIGINAL-URI', '/admin']],
  [['X-Original-URL', `https://app.example.com${PAGE}`]],
  [['X-Original-URI', '/admin']]
]
const LEADS: ReadonlyArray<readonly HeaderLine[]> = [
  [],
  [['X-Forwarded-Host', 'app.example.com'], ['X-Forwarded-Proto', 'https']],
  [['X-Forwarded-Uri', PAGE]],
  [['X-Forwarded-Uri', `${PAGE}?state=x`]]
]
const port = {
  'Authgear’s session': async (t: Parameters<typeof startLoginWorld>[0]) => (await startLoginWorld(t)).verifier.port,
  'a session of our own': async (t: Parameters<typeof startOwnWorld>[0]) =>
    (await startOwnWorld(t)).replicas[0]?.port ?? 0
} as const

for (const [kind, start] of Object.entries(port)) {
  t.test(`${kind}: the page after a sign-out is 200 for people, and never for a proxy that asks`, async (t) => {
    const at = await start(t)
    const open = async (headers: readonly HeaderLine[], path = PAGE) => await ask(at, {
      path, host: new URL(APP).host, headers: [...Object.entries(STRICT), ...headers]
    })
    for (const lines of LEADS) {
      const answer = await open(lines)
      t.match(answer, { status: 200, headers: { 'x-forward-auth-reason': 'signed_out' } }, JSON.stringify(lines))
      t.strictSame(Object.keys(answer.headers).filter((name) => name.startsWith('x-authgear-')), [], 'no identity')
      t.match(answer.body, '<h1>You are signed out</h1>')
    }
    for (const lines of ASKS) t.equal((await open(lines)).status, 403, JSON.stringify(lines))
    for (const path of [`${PAGE}/`, `/verify${PAGE}`, `/ext-authz${PAGE}`, `/x/..${PAGE}`, '/%5fauth/logged-out']) {
      t.not((await open([], path)).status, 200, path)
    }
    t.equal((await open([['Sec-Fetch-Dest', 'iframe']])).status, 403, 'nor in a frame')
  })
}
