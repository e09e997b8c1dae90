import { readFileSync } from 'node:fs'
import t from 'tap'
import { withMetricsTable } from '../../../docs/metrics.mjs'
import { allMetrics } from '../../helpers/series.ts'

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

t.test('docs/monitoring.md lists the metrics as they are (npm run docs writes it)', async (t) => {
  const page = file('docs/monitoring.md')
  t.equal(page, withMetricsTable(page, await allMetrics().render()))
  t.throws(() => withMetricsTable('# Monitoring', ''), /markers/)
})

t.test('alerts and the page of the audit log name metrics that there are', async (t) => {
  const rendered = await allMetrics().render()
  const names = new Set(['deploy/prometheus/alerts.yml', 'docs/audit-log.md'].flatMap((path) => file(path).match(/forward_auth_[a-z_]+/g) ?? []))
  t.ok(names.size >= 7)
  for (const name of names) t.ok(rendered.includes(`# TYPE ${name} `), name)
  t.match(rendered, /^forward_auth_audit_behind_seconds 61$/m)
  t.match(rendered, /^forward_auth_audit_leader 1$/m)
  t.match(rendered, /^forward_auth_audit_errors_total\{kind="log_unavailable"\} 0$/m)
})
