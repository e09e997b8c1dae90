import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { ALERTS, chartTemplate, prometheusRules } from '../../../deploy/prometheus/alerts.ts'
import { allMetrics } from '../../helpers/series.ts'
import { mustFind, skipOrFail } from '../../helpers/servers.ts'

const ROOT = join(import.meta.dirname, '../../..')

const file = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

t.test('Prometheus and the chart have the same alerts, but for the installation', async (t) => {
  const chart = chartTemplate().replaceAll('{ {{- $one }},', '{').replaceAll('{ {{- $one }}}', '')
    .replaceAll('{{ .Values.prometheusRule.runbook }}', 'docs/runbook.md')
    .replace(/^.*\{\{.*\n/gm, '')
  t.strictSame(parse(chart).spec.groups, parse(prometheusRules()).groups)
  t.equal(
    chartTemplate().match(/\$one \}\}/g)?.length,
    ALERTS.map(({ value, when = '' }) => `${value}${when}`.split('$one').length - 1).reduce((a, b) => a + b),
    'and there it selects everywhere'
  )
})

t.test('alerts, dashboard and pages name metrics that there are', async (t) => {
  const rendered = await allMetrics().render()
  const paths = [
    'deploy/prometheus/alerts.yml', 'deploy/prometheus/alerts.test.yml', 'deploy/grafana/dashboard.json',
    'docs/audit-log.md', 'docs/monitoring.md', 'docs/revocation.md', 'docs/runbook.md'
  ]
  const names = new Set(
    paths.flatMap((path) => file(path).match(/\b(?:forward_auth|process|nodejs)_[a-z_\d]+[a-z\d]/g) ?? [])
  )
  t.ok(names.size >= 30)
  for (const name of names) t.ok(rendered.includes(`# TYPE ${name.replace(/_(bucket|sum|count)$/, '')} `), name)
})

/** What only the status page leads to, and what people do without an alert. */
const ALERTLESS = new Set([
  'Rotate a secret', 'Users see 503', 'Sign-in fails with 503', 'The clocks differ', 'Users were signed out',
  'All is well', 'No requests', 'Starting or draining'
])

t.test('each alert has its place in the runbook, and its cases among the tests of rules', async (t) => {
  const sections = new Set(file('docs/runbook.md').split('\n## ').slice(1).map((text) => text.split('\n')[0] ?? ''))
  const cases = parse(file('deploy/prometheus/alerts.test.yml')).tests as ReadonlyArray<{
    alert_rule_test: ReadonlyArray<{ alertname: string, exp_alerts?: readonly unknown[] }>
  }>
  const tests = cases.flatMap(({ alert_rule_test: all }) => all)
  for (const { alert } of ALERTS) {
    t.ok(sections.has(alert), `${alert}: a section`)
    const of = tests.filter(({ alertname }) => alertname === alert)
    t.ok(of.some(({ exp_alerts: fired = [] }) => fired.length > 0), `${alert} fires`)
    t.ok(of.filter(({ exp_alerts: fired = [] }) => fired.length === 0).length >= 2,
      `${alert} does not in health, nor too early`)
  }
  t.strictSame([...sections].filter((title) => !ALERTLESS.has(title)).toSorted(),
    ALERTS.map(({ alert }) => alert).toSorted(), 'and the runbook has no other')
})

t.test('promtool takes the rules, and each fires when it should', { skip: skipOrFail('promtool') }, async (t) => {
  const promtool = (...args: readonly string[]): string =>
    execFileSync(mustFind('promtool'), args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
  t.match(promtool('check', 'rules', '--lint=all', '--lint-fatal', 'deploy/prometheus/alerts.yml'),
    `SUCCESS: ${ALERTS.length} rules found`)
  t.match(promtool('test', 'rules', 'deploy/prometheus/alerts.test.yml'), 'SUCCESS')
})
