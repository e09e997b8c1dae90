import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { ALERTS, chartTemplate, prometheusRules } from '../../../deploy/prometheus/alerts.ts'
import { dashboard } from '../../../deploy/grafana/dashboard.ts'
import { withMetricsTable } from '../../../docs/metrics.ts'
import { allMetrics } from '../../helpers/series.ts'
import { mustFind, skipOrFail } from '../../helpers/servers.ts'

const ROOT = join(import.meta.dirname, '../../..')
type Config = Readonly<{
  defaults: { thresholds: { steps: ReadonlyArray<{ color: string, value: number | null }> } }
}>
type Panel = Readonly<{
  id: number
  title: string
  gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
  targets?: ReadonlyArray<Readonly<{ expr: string, datasource: { uid: string } }>>
}>

const file = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

t.test('docs/monitoring.md lists the metrics as they are (npm run docs writes it)', async (t) => {
  const page = file('docs/monitoring.md')
  t.equal(page, withMetricsTable(page, await allMetrics().render()))
  t.throws(() => withMetricsTable('# Monitoring', ''), /markers/)
})

t.test('alerts, chart and dashboard are those of their one source', async (t) => {
  t.equal(file('deploy/prometheus/alerts.yml'), prometheusRules())
  t.equal(file('deploy/kubernetes/chart/templates/prometheusrule.yaml'), chartTemplate())
  t.equal(file('deploy/grafana/dashboard.json'), dashboard())
})

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

t.test('the dashboard has its parts in order, and every query selects the replicas', async (t) => {
  const { panels, templating } = JSON.parse(dashboard()) as {
    panels: readonly Panel[]
    templating: { list: ReadonlyArray<{ name: string }> }
  }
  t.strictSame(templating.list.map(({ name }) => name), ['datasource', 'job', 'instance', 'runbook'])
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`)
  )
  t.equal(new Set(cells).size, cells.length, 'no panel lies on another')
  for (const { title, gridPos: { x, w }, targets = [] } of panels) {
    t.ok(x + w <= 24, title)
    for (const { expr, datasource } of targets) {
      t.equal(expr.split('{').length - 1, expr.split('job="$job",instance=~"$instance"').length - 1, expr)
      t.equal(datasource.uid, '$' + '{datasource}')
    }
  }
})

t.test('the dashboard begins with the state of things, each linked to what to do', async (t) => {
  const { panels, annotations } = JSON.parse(dashboard()) as Readonly<{
    panels: ReadonlyArray<Panel & { type: string, links?: ReadonlyArray<{ url: string }>, fieldConfig: Config }>
    annotations: { list: ReadonlyArray<{ expr: string, useValueForTime: boolean }> }
  }>
  const first = panels.filter(({ gridPos: { y } }) => y === 0)
  t.equal(first.length, 6)
  const headings = file('docs/runbook.md').matchAll(/^## (.*)$/gm)
  const anchors = new Set(Array.from(headings, ([, name = '']) => name.toLowerCase()))
  for (const { type, title, links, fieldConfig } of first) {
    t.equal(type, 'stat', title)
    const { steps } = fieldConfig.defaults.thresholds
    t.ok(steps.length >= 2 && steps[0]?.value === null && steps.some(({ color }) => color === 'red'), title)
    const [, anchor = ''] = links?.[0]?.url.split('$' + '{runbook}#') ?? []
    t.ok(anchors.has(anchor), `${title}: ${anchor}`)
  }
  t.strictSame(
    panels.filter(({ type }) => type === 'state-timeline').map(({ title }) => title),
    ['Authgear is asked', 'Redis and the log']
  )
  const starts = 'process_start_time_seconds{job="$job",instance=~"$instance"} * 1000'
  t.match(annotations.list, [{ expr: starts, useValueForTime: true }])
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

/** What only the status page leads to, and what somebody does without an alert. */
const ALERTLESS = new Set(['Rotate a secret', 'All is well', 'Nobody asks', 'A replica that starts or ends'])

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
    t.ok(
      of.filter(({ exp_alerts: fired = [] }) => fired.length === 0).length >= 2,
      `${alert} does not in health, nor too early`
    )
  }
  t.strictSame(
    [...sections].filter((title) => !ALERTLESS.has(title)).toSorted(),
    ALERTS.map(({ alert }) => alert).toSorted(),
    'and the runbook has no other'
  )
})

t.test('promtool takes the rules, and each fires when it should', { skip: skipOrFail('promtool') }, async (t) => {
  const promtool = (...args: readonly string[]): string =>
    execFileSync(mustFind('promtool'), args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
  t.match(
    promtool('check', 'rules', '--lint=all', '--lint-fatal', 'deploy/prometheus/alerts.yml'),
    `SUCCESS: ${ALERTS.length} rules found`
  )
  t.match(promtool('test', 'rules', 'deploy/prometheus/alerts.test.yml'), 'SUCCESS')
})
