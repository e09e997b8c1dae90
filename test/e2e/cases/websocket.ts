import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { ask, HOST } from '../../helpers/request.ts'
import { ALICE } from '../people.ts'
import type { Case } from './case.ts'
import { attack } from './hostile/attack.ts'
import { upgrade } from './hostile/http1.ts'

const connect = (port: number, headers: Readonly<Record<string, string>>): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { Host: HOST, ...headers } })

export const websocket: readonly Case[] = [
  {
    name: 'a WebSocket opens for somebody, and the app knows for whom',
    async run (t, { port, app, observe }) {
      const socket = connect(port, { Cookie: ALICE.cookie, 'x-authgear-user-id': 'spoofed' })
      await once(socket, 'open')
      socket.send('hello')
      const [said] = await once(socket, 'message') as [Buffer]
      t.equal(said.toString(), 'hello')
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
      socket.terminate()
      observe('websocket', 'works')
    }
  },
  {
    name: 'a WebSocket of nobody is refused, and the app is not asked',
    async run (t, { port, app }) {
      const before = app.received.length
      const socket = connect(port, {})
      socket.on('error', () => {})
      const [, answer] = await once(socket, 'unexpected-response') as [unknown, IncomingMessage]
      t.equal(answer.statusCode, 401)
      t.equal(app.received.length, before)
      answer.destroy()
    }
  },
  {
    name: 'no other upgrade reaches the app',
    async run (t, { port, app, observe }) {
      const headers = [
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
        ['Cookie', ALICE.cookie]
      ] as const
      t.equal((await ask(port, { headers })).status, 200)
      t.strictSame(app.lastHeader('upgrade'), [])
      observe('upgrade', 'dropped')
    }
  },
  {
    name: 'h2c beside websocket never reaches the app',
    async run (t, { port, app, observe }) {
      const fates: string[] = []
      for (const values of [['h2c', 'websocket'], ['websocket', 'h2c'], ['websocket, h2c']]) {
        const before = app.received.length
        const status = await attack(port, upgrade(values.join(' and '), values), [['Cookie', ALICE.cookie]])
        const reached = app.received.slice(before).map(({ rawHeaders }) => rawHeaders.join('\n'))
        t.notOk(reached.some(headers => /h2c/i.test(headers)), values.join(' and '))
        fates.push({ 101: 'a WebSocket', 200: 'dropped' }[status] ?? String(status))
      }
      observe('upgrades', [...new Set(fates)].length === 1 ? fates[0] ?? '' : fates.join(', '))
    }
  }
]
