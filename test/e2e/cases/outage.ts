import { ask, type Answer } from '../../helpers/request.ts'
import { until } from '../../helpers/until.ts'
import { loadClients } from '../load-clients.ts'
import { ALICE } from '../people.ts'
import type { BehindProxy } from '../behind-proxy.ts'
import type { Case } from './case.ts'

/** A session that no cache holds. */
const fresh = (): string => `session=never-seen-${Math.random()}`

const unanswered = (port: number): Promise<Answer> => ask(port, { headers: [['Cookie', fresh()]] })

const passes = async (port: number): Promise<boolean> =>
  (await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status === 200

async function withoutApp (stack: BehindProxy, during: () => Promise<void>): Promise<number> {
  const before = stack.app.received.length
  await during()
  return stack.app.received.length - before
}

/** For good: `restart` brings a successor. */
async function retire ({ links, replicas: [first] }: BehindProxy): Promise<void> {
  for (const port of [first?.port, first?.grpcPort]) links.forEach(link => link.drop(port ?? 0))
  await first?.stop()
}

export const outage: readonly Case[] = [
  {
    name: 'an Authgear that takes more than a second is waited for, and asked once',
    async run (t, { port, authgear }) {
      const { cookie = '' } = authgear.controls.signIn('bob')
      const { resolutions } = authgear.counters
      authgear.controls.latency = 1_200
      t.equal((await ask(port, { headers: [['Cookie', `session=${cookie}`]] })).status, 200)
      t.equal(authgear.counters.resolutions, resolutions + 1)
      authgear.controls.latency = 0
    }
  },
  {
    name: 'Authgear down: 503 with Retry-After, whatever forward-auth has to say about it',
    async run (t, stack) {
      stack.authgear.controls.fail('error')
      const reached = await withoutApp(stack, async () => {
        const answer = await unanswered(stack.port)
        t.equal(answer.status, 503)
        t.match(answer.headers['retry-after'], /^\d+$/)
        t.match(JSON.parse(answer.body), { error: 'authgear_unavailable' })
        stack.observe('outage', '503, JSON, `Retry-After`')
      })
      t.equal(reached, 0)
      stack.authgear.controls.recover()
      t.equal((await unanswered(stack.port)).status, 401, 'and it is over when it is over')
    }
  },
  {
    name: 'forward-auth refuses connections: nobody passes, and it is over when it is over',
    async run (t, stack, { facts }) {
      await Promise.all(stack.links.map(link => link.down()))
      const reached = await withoutApp(stack, async () => {
        t.equal((await ask(stack.port, { headers: [['Cookie', ALICE.cookie]] })).status, facts.adapterDown)
        t.equal((await ask(stack.port)).status, facts.adapterDown)
        stack.observe('down', String(facts.adapterDown))
      })
      t.equal(reached, 0)
      await Promise.all(stack.links.map(link => link.up()))
      await until('the proxy asks forward-auth again', () => passes(stack.port))
    }
  },
  {
    name: 'forward-auth resets connections: nobody passes',
    async run (t, stack, { facts }) {
      stack.links.forEach(link => link.reset())
      const reached = await withoutApp(stack, async () => {
        t.equal((await ask(stack.port, { headers: [['Cookie', ALICE.cookie]] })).status, facts.adapterDown)
      })
      t.equal(reached, 0)
      await Promise.all(stack.links.map(link => link.up()))
      await until('the proxy asks forward-auth again', () => passes(stack.port))
    }
  },
  {
    name: 'one replica stops amid traffic: nobody notices, and the other knows what Redis knows',
    async run (t, stack) {
      const resolutions = stack.authgear.counters.resolutions
      const answers = await loadClients(stack.port, 8, 400, i => {
        if (i === 100) retire(stack).catch(t.threw)
        return { headers: [['Cookie', ALICE.cookie]] }
      })
      await stack.replicas[0]?.ended
      t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
      t.equal(stack.authgear.counters.resolutions, resolutions, 'Authgear was not asked again')
    }
  },
  {
    name: 'both replicas are restarted one after the other amid traffic: nobody notices',
    async run (t, stack) {
      const statuses = new Set<number>()
      const traffic = { on: true }
      const asking = (async () => {
        while (traffic.on) {
          for (const { status } of await loadClients(stack.port, 8, 80, () => ({
            headers: [['Cookie', ALICE.cookie]]
          }))) {
            statuses.add(status)
          }
        }
      })()
      await stack.restart(0)
      await stack.restart(1)
      traffic.on = false
      await asking
      t.strictSame([...statuses], [200])
      stack.observe('restart', 'no failed request')
    }
  },
  {
    name: 'both replicas are gone: nobody passes',
    async run (t, stack, { facts }) {
      await Promise.all(stack.replicas.map(replica => replica.stop()))
      const reached = await withoutApp(stack, async () => {
        t.equal((await ask(stack.port, { headers: [['Cookie', ALICE.cookie]] })).status, facts.adapterDown)
      })
      t.equal(reached, 0)
    }
  }
]
