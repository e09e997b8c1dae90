import t from 'tap'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { startManagement } from '../../../helpers/management.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { disabledEvent, WEBHOOK_SECRET, webhookOf } from '../../../helpers/webhook.ts'

t.test('reports changes without a webhook until one arrives', async (t) => {
  const simulator = await startSimulator(t, { adminApi })
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    ...auditEnvironment(simulator.url, '100ms'),
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET
  })
  const port = await startManagement(t, replica.service)
  const untold = (): Promise<number> => metricOf(replica, 'forward_auth_audit_untold_changes')
  const verdict = async (): Promise<string> =>
    JSON.parse((await ask(port, { path: '/status.json', host: '127.0.0.1' })).body).verdicts[0].link
  await until('it follows the log', async () =>
    await metricOf(replica, 'forward_auth_audit_polls_total{outcome="ok"}') > 0)
  simulator.controls.disable('bob')
  await until('it has read that', async () => await untold() === 1)
  await until('the page says so', async () => await verdict() === 'forwardauthwebhookssilent')
  const { body } = await ask(port, { path: '/', host: '127.0.0.1' })
  t.match(body, 'http.insecure_fetch_address_allowed_hosts</code> in <code>authgear.features.yaml')
  t.equal((await ask(replica.port, webhookOf(disabledEvent(demo.bob.id, 'a')))).status, 204)
  t.equal(await untold(), 0)
  await until('the page says it no more', async () => await verdict() !== 'forwardauthwebhookssilent')
})
