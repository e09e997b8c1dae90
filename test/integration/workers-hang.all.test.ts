import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { startWorkers, workersOf } from '../helpers/workers.ts'

/** So many that a worker that took connections would have got some. */
const CONNECTIONS = 50

t.test('new connections pass by a worker that stands still', { skip: skipOrFail('redis-server') }, async (t) => {
  const { service } = await startWorkers(t)
  for (const pid of workersOf(service)) {
    process.kill(pid, 'SIGSTOP')
    const statuses = await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
      const headers = [['Authorization', `Bearer ${demo.alice.accessToken}`]] as const
      return (await ask(service.port, { path: '/verify', headers, signal: AbortSignal.timeout(15_000) })).status
    }))
    process.kill(pid, 'SIGCONT')
    t.strictSame(new Set(statuses), new Set([200]))
  }
})
