import { ask } from '../../helpers/request.ts'
import { ALICE, BOB } from '../people.ts'
import type { Case } from './case.ts'

/** What an app sees of a name that has no value, as the README says: an empty header, or none. */
const WITHOUT_VALUE: Readonly<Record<string, readonly string[]>> = {
  traefik: [''], caddy: [], nginx: [], envoy: [], haproxy: ['']
}

export const identity: readonly Case[] = [
  {
    name: 'nobody is refused with a challenge, and the app is not asked',
    async run (t, { port, app, observe }, { facts }) {
      const before = app.received.length
      const answer = await ask(port, { path: '/page?x=1' })
      t.equal(answer.status, 401)
      t.match(answer.headers['www-authenticate'], /^Bearer realm=/)
      if (facts.passesRefusals) t.match(JSON.parse(answer.body), { error: 'no_credentials' })
      if (facts.passesRefusals) t.equal(answer.headers['x-forward-auth-reason'], 'no_credentials')
      t.equal(app.received.length, before)
      observe('noSession', `401, ${facts.passesRefusals ? 'JSON or a page' : 'its own page'}, challenge`)
    }
  },
  {
    name: 'a session that Authgear does not know is refused',
    async run (t, { port }) {
      t.equal((await ask(port, { headers: [['Cookie', 'session=mallory']] })).status, 401)
    }
  },
  {
    name: 'the app gets the identity and the path with its query as the client wrote it',
    async run (t, { port, app }) {
      const answer = await ask(port, {
        path: '/page?role=none&optional=1', headers: [['Cookie', `theme=dark; ${ALICE.cookie}`]]
      })
      t.equal(answer.status, 200)
      t.equal(app.received.at(-1)?.url, '/page?role=none&optional=1')
      t.strictSame(app.lastHeader('x-authgear-session-valid'), ['true'])
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
      t.strictSame(app.lastHeader('x-authgear-user-roles'), [ALICE.roles])
      t.strictSame(app.lastHeader('host').map(host => host.split(':')[0]), ['app.example.com'])
    }
  },
  {
    name: 'a bearer token does as well as a cookie',
    async run (t, { port, app }) {
      t.equal((await ask(port, { headers: [['Authorization', `Bearer ${ALICE.bearer}`]] })).status, 200)
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
    }
  },
  {
    name: 'two people one after the other are each themselves',
    async run (t, { port, app }) {
      for (const person of [ALICE, BOB, ALICE, BOB]) {
        await ask(port, { headers: [['Cookie', person.cookie]] })
        t.strictSame(app.lastHeader('x-authgear-user-id'), [person.id])
      }
    }
  },
  {
    name: 'a name without a value is an empty header or none, whatever the client sends',
    only: ({ snippet }) => snippet in WITHOUT_VALUE,
    async run (t, { port, app }, { snippet }) {
      const headers = [['Cookie', BOB.cookie], ['X-Authgear-User-Roles', 'admin']] as const
      t.equal((await ask(port, { headers })).status, 200)
      t.strictSame(app.lastHeader('x-authgear-user-roles'), WITHOUT_VALUE[snippet], 'Bob has no roles')
    }
  },
  {
    name: 'no identity header goes back to the client',
    async run (t, { port }) {
      for (const headers of [[['Cookie', ALICE.cookie]], []] as const) {
        const answer = await ask(port, { headers })
        t.strictSame(Object.keys(answer.headers).filter(name => name.startsWith('x-authgear')), [])
      }
    }
  },
  {
    name: 'a cookie of 20 kB passes',
    async run (t, { port, app }) {
      const cookie = `junk=${'j'.repeat(20_000)}; ${ALICE.cookie}`
      t.equal((await ask(port, { headers: [['Cookie', cookie]] })).status, 200)
      t.strictSame(app.lastHeader('cookie'), [cookie])
    }
  },
  {
    name: 'another host name is not served',
    async run (t, { port, app, observe }, { facts }) {
      const before = app.received.length
      const answer = await ask(port, { host: 'elsewhere.example.com', headers: [['Cookie', ALICE.cookie]] })
      t.equal(answer.status, facts.otherHost)
      const absolute = await ask(port, { path: 'http://elsewhere.example.com/', headers: [['Cookie', ALICE.cookie]] })
      t.ok(absolute.status >= 400, 'nor by an address that says so')
      t.equal(app.received.length, before)
      observe('otherHost', String(answer.status))
    }
  }
]
