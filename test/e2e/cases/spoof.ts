import { TRUSTED_HEADERS } from '../../helpers/identity.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { ALICE, BOB } from '../people.ts'
import type { Case } from './case.ts'

const SPOOFED = 'spoofed'

/** Characters that a header's name may have, and that some apps read as "-". */
const ALIASES = ['_', '.', '~', '!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|']

const all = (names: readonly string[]): HeaderLine[] => names.map(name => [name, SPOOFED])
const respell = (by: (name: string) => string): HeaderLine[] => all(TRUSTED_HEADERS.map(by))

const SETS: Readonly<Record<string, readonly HeaderLine[]>> = {
  'as they are': all(TRUSTED_HEADERS),
  'in lower case': respell(name => name.toLowerCase()),
  'in upper case': respell(name => name.toUpperCase()),
  twice: [...all(TRUSTED_HEADERS), ...all(TRUSTED_HEADERS)],
  ...Object.fromEntries(
    ALIASES.map((alias) => [`with ${alias} for every dash`, respell((name) => name.replaceAll('-', () => alias))])
  ),
  ...Object.fromEntries(
    ALIASES.map((alias) => [
      `with ${alias} for the last dash`,
      respell((name) => name.replace(/-(?=[^-]+$)/, () => alias))
    ])
  )
}

export const spoof: readonly Case[] = [
  {
    name: 'identity headers of the client never reach the app',
    async run (t, { port, app, observe }) {
      for (const [spelling, lines] of Object.entries(SETS)) {
        const answer = await ask(port, { headers: [...lines, ['Cookie', BOB.cookie]] })
        t.equal(answer.status, 200, spelling)
        t.notOk(app.received.at(-1)?.rawHeaders.includes(SPOOFED), spelling)
        t.strictSame(app.lastHeader('x-authgear-user-id'), [BOB.id], spelling)
      }
      observe('spoof', 'gone')
    }
  },
  {
    name: 'a user without roles cannot bring any',
    async run (t, { port, app }) {
      await ask(port, { headers: [['x-authgear-user-roles', 'admin'], ['Cookie', BOB.cookie]] })
      t.equal(app.lastHeader('x-authgear-user-roles').join(), '')
    }
  },
  {
    name: 'names that only begin like ours',
    async run (t, { port, app, observe }, { facts }) {
      await ask(port, { headers: [['X-Authgear-Foo', SPOOFED], ['Cookie', BOB.cookie]] })
      t.strictSame(app.lastHeader('x-authgear-foo'), facts.unlistedPasses ? [SPOOFED] : [])
      observe('unlisted', facts.unlistedPasses ? '**reaches the app** (see its page)' : 'gone')
    }
  },
  {
    name: 'Connection cannot remove the identity that the app gets',
    async run (t, { port, app, observe }, { facts }) {
      for (const value of ['close, X-Authgear-User-Id', 'x-authgear-user-id, x-authgear-user-roles']) {
        const answer = await ask(port, { headers: [['Connection', value], ['Cookie', ALICE.cookie]] })
        t.equal(answer.status, 200)
        t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
        t.strictSame(app.lastHeader('x-authgear-user-roles'), [ALICE.roles])
      }
      const before = app.received.length
      const answer = await ask(port, {
        headers: [['Connection', 'x-authgear-user-id, x-forwarded-for'], ['Cookie', ALICE.cookie]]
      })
      t.equal(answer.status, facts.connectionNamesForwarded)
      t.strictSame(app.received.slice(before).map(() => app.lastHeader('x-authgear-user-id')),
        answer.status === 200 ? [[ALICE.id]] : [])
      observe('connection', 'no effect')
    }
  },
  {
    name: 'Connection: cookie at most logs its own sender out',
    async run (t, { port, app, observe }, { facts }) {
      const before = app.received.length
      const answer = await ask(port, {
        headers: [['Connection', 'x-authgear-user-id, cookie'], ['Cookie', ALICE.cookie]]
      })
      t.equal(answer.status, facts.connectionHidesCookie ? 401 : 200)
      t.equal(app.received.length - before, facts.connectionHidesCookie ? 0 : 1)
      observe('connectionCookie', facts.connectionHidesCookie ? '401, its sender only' : 'no effect')
    }
  },
  {
    name: 'two Authorization lines are never joined to one that passes',
    async run (t, { port, app, observe }, { facts }) {
      const before = app.received.length
      const bearer: HeaderLine = ['Authorization', `Bearer ${ALICE.bearer}`]
      const { status } = await ask(port, { headers: [bearer, bearer] })
      t.equal(status, facts.twoAuthorizations)
      t.equal(app.received.length, before)
      observe('twoAuthorizations', String(status))
    }
  },
  {
    name: 'nobody is let in by identity headers alone',
    async run (t, { port, app }) {
      const before = app.received.length
      t.equal((await ask(port, { headers: all(TRUSTED_HEADERS) })).status, 401)
      t.equal(app.received.length, before)
    }
  }
]
