import { ask } from '../../helpers/request.ts'
import { ALICE } from '../people.ts'
import type { Case } from './case.ts'

/** Paths that a proxy and an app may read differently. Written as they go over the wire. */
const AMBIGUOUS = [
  '/x/../admin/z', '//admin/z', '/./admin/z', '/x/%2e%2e/admin/z', '/x/..%2fadmin/z', '/admin/..%2fp', '/admin%2fz',
  '/admin/../p', '/a\\..\\admin', '/a%5c..%5cadmin', '/admin/%00'
]

/** Harmless ones, which arrive as they were written unless the proxy cleans them. */
const PLAIN = ['/', '/admin', '/ADMIN/z', '/admin;x', '/a.b/c..d', '/p?next=/../x//y%2f', '/%61dmin/z', '/caf%C3%A9']

export const paths: readonly Case[] = [
  {
    name: 'a path that proxy and app may read differently is refused, or arrives cleaned',
    async run (t, { port, app }, { facts }) {
      for (const path of AMBIGUOUS) {
        const before = app.received.length
        const answer = await ask(port, { path, headers: [['Cookie', ALICE.cookie]] })
        const cleaned = facts.cleaned[path]
        t.equal(answer.status, cleaned === undefined ? 400 : 200, path)
        t.strictSame(app.received.slice(before).map(({ url }) => url), cleaned === undefined ? [] : [cleaned], path)
      }
    }
  },
  {
    name: 'a plain path arrives as it was written',
    async run (t, { port, app }, { facts }) {
      for (const path of PLAIN.filter(path => !facts.refusesEscapedLetters || !path.includes('%61'))) {
        await ask(port, { path, headers: [['Cookie', ALICE.cookie]] })
        t.equal(app.received.at(-1)?.url, facts.cleaned[path] ?? path)
      }
    }
  }
]
