import { ask } from '../../helpers/request.ts'
import { loadClients } from '../load-clients.ts'
import { ALICE, BOB } from '../people.ts'
import { until } from '../../helpers/until.ts'
import type { BehindProxy } from '../behind-proxy.ts'
import type { Case } from './case.ts'

const CLIENTS = 32
const REQUESTS = 500

const connections = ({ links }: BehindProxy): number[] => links.map(link => link.connections)

export const load: readonly Case[] = [
  {
    name: 'connections to forward-auth are used again: 500 requests of 32 clients',
    async run (t, stack, { facts, tls }) {
      // a session of HTTP/2 is replaced when it is a minute old, which must not be now
      if (tls) stack.links.forEach((link) => link.sever())
      // with none open, each client may open one before the first can be shared
      const isAllowed = async () => (await ask(stack.port, { headers: [['Cookie', ALICE.cookie]] })).status === 200
      await until('a connection is open', isAllowed)
      const before = connections(stack)
      const answers = await loadClients(stack.port, CLIENTS, REQUESTS, (i) => ({
        headers: i % 5 === 0 ? [] : [['Cookie', ALICE.cookie]]
      }))
      const opened = connections(stack).map((now, i) => now - (before[i] ?? 0))
      t.comment(`new connections for ${REQUESTS} requests: ${opened.join(' and ')}; before: ${before.join(' and ')}`)
      t.equal(answers.filter(({ status }) => status === 200).length, REQUESTS * 4 / 5)
      t.equal(answers.filter(({ status }) => status === 401).length, REQUESTS / 5)
      if (facts.connections !== undefined) {
        t.ok(Math.max(...opened) <= facts.connections, `${opened.join(' and ')}: at most ${facts.connections} each`)
      }
      stack.observe('connections',
        facts.connections === undefined ? 'not bounded' : `at most ${facts.connections}${tls ? ' (TLS, HTTP/2)' : ''}`)
    }
  },
  {
    name: 'people with 1,000 cookies are answered',
    async run (t, { port }) {
      const cookies = Array.from({ length: 1_000 }, (_, i) => `cookie-${i}=v`)
      const answer = await ask(port, { headers: [['Cookie', [...cookies, ALICE.cookie].join('; ')]] })
      t.equal(answer.status, 200)
    }
  },
  {
    name: 'twenty anonymous cookies of 150 kB leave a bystander alone',
    async run (t, { port }) {
      const bystander = loadClients(port, 2, 60, () => ({ headers: [['Cookie', BOB.cookie]] }))
      const flood = loadClients(port, 20, 20, () => ({ headers: [['Cookie', `session=${'j'.repeat(150_000)}`]] })).catch(
        (error: Error) => error
      )
      t.strictSame([...new Set((await bystander).map(({ status }) => status))], [200])
      const outcome = await flood
      if (Array.isArray(outcome)) t.ok(outcome.every(({ status }) => status >= 400), 'none of the flood was let in')
    }
  }
]
