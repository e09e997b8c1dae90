import t, { type Test } from 'tap'
import { startInProcessOnClock } from '../helpers/in-process-on-clock.ts'
import { startManagement } from '../helpers/management.ts'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'

const HOST = '127.0.0.1'

async function start (t: Test, hosts: readonly string[] = []) {
  const { adapter } = await startInProcessOnClock(t)
  const port = await startManagement(t, adapter.service, { hosts })
  const get = (path: string, headers: readonly HeaderLine[], host: string): Promise<Answer> =>
    ask(port, { path, host, headers })
  return { get }
}

/**
 * A page whose name leads here (DNS rebinding) is of the same site for the browser: this is what it sends all the same.
 */
const BROWSER: readonly HeaderLine[] = [['Accept-Language', 'en'], ['User-Agent', 'Prometheus/3']]

t.test('metrics and readiness are not read by a page whose name leads here', async (t) => {
  const { get } = await start(t, ['status.example.com'])
  for (const path of ['/metrics', '/readyz']) {
    for (const host of ['evil.example', 'evil.example:4181', 'status.example.com.evil.example']) {
      const { status, body } = await get(path, BROWSER, host)
      t.equal(status, 403, `${path} of ${host}`)
      t.match(body, /MANAGEMENT_HOSTS/)
    }
    for (const host of [HOST, 'localhost:4181', 'status.example.com']) {
      t.not((await get(path, BROWSER, host)).status, 403, `${path} of ${host}`)
    }
  }
})

t.test('Prometheus and probes are answered under whatever name they use', async (t) => {
  const { get } = await start(t)
  for (const path of ['/metrics', '/readyz', '/livez']) {
    t.equal((await get(path, [['User-Agent', 'Prometheus/3']], 'replica-1.corp.example.com:4181')).status, 200, path)
  }
})

t.test('no browser takes an answer for something else than it says', async (t) => {
  const { get } = await start(t)
  for (const path of ['/metrics', '/readyz', '/livez', '/nothing']) {
    t.match((await get(path, BROWSER, HOST)).headers, { 'x-content-type-options': 'nosniff' }, path)
  }
})
