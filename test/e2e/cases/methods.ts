import { ask } from '../../helpers/request.ts'
import { ALICE } from '../people.ts'
import type { Case } from './case.ts'

const BODY = 'x'.repeat(200_000)

export const methods: readonly Case[] = [
  {
    name: 'a POST reaches the app with its whole body',
    async run (t, { port, app }) {
      const answer = await ask(port, {
        method: 'POST',
        path: '/form',
        headers: [['Cookie', ALICE.cookie], ['Content-Type', 'text/plain']],
        body: BODY
      })
      t.equal(answer.status, 200)
      t.equal(app.received.at(-1)?.method, 'POST')
      t.ok(app.received.at(-1)?.body === BODY, 'not a byte is missing')
    }
  },
  {
    name: 'a POST of nobody is refused, and its body goes nowhere',
    async run (t, { port, app }) {
      const before = app.received.length
      t.equal((await ask(port, { method: 'POST', body: 'x'.repeat(1_000) })).status, 401)
      t.equal(app.received.length, before)
    }
  },
  ...['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'].map((method): Case => ({
    name: `${method} is judged like every other method`,
    async run (t, { port, app }) {
      const before = app.received.length
      t.equal((await ask(port, { method })).status, 401)
      t.equal(app.received.length, before)
      t.equal((await ask(port, { method, headers: [['Cookie', ALICE.cookie]] })).status, 200)
      t.equal(app.received.at(-1)?.method, method)
    }
  })),
  {
    name: 'a CORS preflight is refused, as no recipe for it is switched on',
    async run (t, { port, app, observe }) {
      const before = app.received.length
      const headers = [['Origin', 'https://www.example.com'], ['Access-Control-Request-Method', 'POST']] as const
      t.equal((await ask(port, { method: 'OPTIONS', headers })).status, 401)
      t.equal(app.received.length, before)
      observe('preflight', '401')
    }
  }
]
