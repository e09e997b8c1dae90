import { once } from 'node:events'
import { WebSocket } from 'ws'
import { startEchoApp } from '../../helpers/echo-app.ts'
import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE, NAVIGATION } from '../people.ts'
import { shipped, type Case } from './case.ts'

const OURS = '__Host-forward-auth=a-session-of-forward-auth'
/** What a login leaves for ten minutes, and a sign-out. */
const [LOGIN, LOGOUT] = ['__Host-forward-auth-login=a-seal', '__Host-forward-auth-logout=another']
/** Other cookies, which only look like them. */
const ALIKE = `x${OURS}; y=${OURS}; __Host-forward-auth-logins=1; __host-forward-auth=2`
const PERSON = ALICE.cookie

/** What a client sends, and what of it the app gets, where the proxy can edit a cookie. */
const LINES: ReadonlyArray<Readonly<{ sent: readonly string[], received: readonly string[] }>> = [
  { sent: [`${OURS}; ${PERSON}`], received: [PERSON] },
  { sent: [`a="x, y"; ${OURS}; ${PERSON};b=%20`], received: [`a="x, y"; ${PERSON};b=%20`] },
  { sent: [`${PERSON}; a=1;${OURS}`], received: [`${PERSON}; a=1`] },
  { sent: [`${PERSON}; ${ALIKE}`], received: [`${PERSON}; ${ALIKE}`] },
  { sent: [`${PERSON}; ${OURS}; ${ALIKE}`], received: [`${PERSON}; ${ALIKE}`] },
  { sent: [`${LOGIN}; ${PERSON}`], received: [PERSON] },
  { sent: [`${OURS}; ${LOGOUT}; ${PERSON}; ${LOGIN}`], received: [PERSON] },
  { sent: [`a=1; ${LOGIN}; ${PERSON}; ${OURS};${LOGOUT}; b=2`], received: [`a=1; ${PERSON}; b=2`] },
  { sent: [`${PERSON}; a=1`, `b=2; ${OURS}; c=3`], received: [`${PERSON}; a=1`, 'b=2; c=3'] }
]

const joined = (lines: readonly string[]): string => lines.join('; ')

export const ownCookie: readonly Case[] = [{
  name: "the app gets every cookie but this service's own",
  async run (t, { port, app }, { facts }) {
    for (const { sent, received } of LINES) {
      const { status } = await ask(port, { headers: sent.map((line): HeaderLine => ['Cookie', line]) })
      t.equal(status, 200, joined(sent))
      const expected = facts.hidesOwnCookie ? received : sent
      t.equal(joined(app.lastHeader('cookie')), joined(expected), joined(sent))
    }
  }
}, {
  name: 'an app that would get no other cookie gets none',
  only: ({ facts }) => facts.hidesOwnCookie,
  async run (t, { port, app }) {
    const headers: readonly HeaderLine[] = [['Cookie', `${OURS}; ${LOGIN}; ${LOGOUT}`], ['Authorization', `Bearer ${ALICE.bearer}`]]
    t.equal((await ask(port, { headers })).status, 200)
    t.strictSame(app.lastHeader('cookie'), [])
  }
}, {
  name: 'a WebSocket does not bring it either',
  only: ({ facts }) => facts.hidesOwnCookie,
  async run (t, { port, app }) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, {
      headers: { Host: HOST, Cookie: `${OURS}; ${PERSON}; ${LOGIN}` }
    })
    await once(socket, 'open')
    socket.terminate()
    t.strictSame(app.lastHeader('cookie'), [PERSON])
  }
}, {
  name: 'a login route gets it',
  only: shipped,
  async run (t, stack, proxy) {
    const echo = await startEchoApp(t)
    const { service: { grpcPort } } = await stack.single()
    const { port } = await startBefore(t, proxy, { tls: undefined, service: { port: echo.port, grpcPort } }, {
      ready: proxy.server === 'haproxy' ? 503 : 200 // whose script takes no 200 without a reason
    })
    for (const path of ['/_auth/login?rd=x', '/_auth/callback', '/_auth/logout', '/_auth/logged-out']) {
      await ask(port, { path, headers: [...NAVIGATION, ['Cookie', `a=1; ${OURS}; b=2`]] })
      t.equal(echo.received.at(-1)?.url, path)
      t.strictSame(echo.lastHeader('cookie'), [`a=1; ${OURS}; b=2`], path)
    }
  }
}]
