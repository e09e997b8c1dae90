// The alerts, once: `npm run docs` writes alerts.yml and the chart's PrometheusRule from here. What to do about each:
// docs/runbook.md. Those of a part are in its folder.
import type { Alert } from '../../src/base/parts/figures.ts'
import { parts } from '../../src/parts/index.ts'

const UNAVAILABLE =
  'sum by (job) (rate(forward_auth_requests_total{$one,status="503",reason!="exchange_limited"}[5m])) / sum by (job) ' +
    '(rate(forward_auth_requests_total{$one}[5m]))'
const ELSEWHERE =
  'sum by (job) (rate(forward_auth_requests_total{$one,endpoint="other"}[5m])) / sum by (job) ' +
    '(rate(forward_auth_requests_total{$one}[5m]))'
const FAILED =
  'sum by (job) (rate(forward_auth_authgear_requests_total{$one,outcome=~"error|timeout|rejected"}[5m])) / sum by ' +
    '(job) (rate(forward_auth_authgear_requests_total{$one}[5m]))'

const OF_BASE: readonly Alert[] = [
  {
    alert: 'ForwardAuthUnavailable',
    value: UNAVAILABLE,
    when: '> 0.01',
    for: '5m',
    severity: 'critical',
    summary: 'More than 1 % of the checks are 503',
    description: 'Authgear is unreachable or overloaded. Cached users stay signed in; others get 503.'
  },
  {
    alert: 'ForwardAuthAbsent',
    value: 'absent(forward_auth_build_info{$one})',
    for: '5m',
    severity: 'critical',
    summary: 'No replica of forward-auth is scraped',
    description: 'Without replicas the proxies refuse everyone.'
  },
  {
    alert: 'ForwardAuthWrongPath',
    value: ELSEWHERE,
    when: '> 0.01',
    for: '5m',
    severity: 'critical',
    summary: 'More than 1 % of the requests are for an unknown path',
    description: 'A proxy with a wrong address is refused for everybody behind it.'
  },
  {
    alert: 'ForwardAuthAuthgearCircuitOpen',
    value: 'max by (job) (forward_auth_authgear_circuit_open{$one})',
    when: '== 1',
    for: '1m',
    severity: 'critical',
    summary: 'The circuit breaker to Authgear is open',
    description: 'Users who are not in the cache get 503.'
  },
  {
    alert: 'ForwardAuthAuthgearErrors',
    value: FAILED,
    when: '> 0.05',
    for: '10m',
    severity: 'warning',
    summary: 'More than 5 % of the requests to Authgear\'s resolver fail',
    description: 'See the label outcome of forward_auth_authgear_requests_total.'
  },
  {
    alert: 'ForwardAuthAuthgearQueue',
    value: 'max by (job) (forward_auth_authgear_queued{$one})',
    when: '> 100',
    for: '5m',
    severity: 'warning',
    summary: 'Resolutions queue for Authgear',
    description: 'Authgear is slow, or AUTHGEAR_MAX_CONCURRENCY is too low for the number of people.'
  },
  {
    alert: 'ForwardAuthRedisDown',
    value: 'min by (job) (forward_auth_redis_up{$one})',
    when: '== 0',
    for: '2m',
    severity: 'warning',
    summary: 'A replica does not reach Redis',
    description: 'It answers from memory and from Authgear. Nobody is logged out; Authgear has more to do.'
  },
  {
    alert: 'ForwardAuthRevocationLogNotFollowed',
    value: 'min by (job) (forward_auth_revocation_log_connected{$one})',
    when: '== 0',
    for: '2m',
    severity: 'warning',
    summary: 'A replica does not follow the revocation log',
    description: 'Its memory is used for CACHE_DEGRADED_TTL only; a revocation takes that long there.'
  },
  {
    alert: 'ForwardAuthRevocationsLate',
    value:
      'histogram_quantile(0.99, sum by (job, le) (rate(forward_auth_revocation_log_lag_seconds_bucket{$one}[15m])))',
    when: '> 1',
    for: '15m',
    severity: 'warning',
    summary: 'Revocations take more than a second to reach a replica',
    description: 'Redis or the replica is overloaded.'
  },
  {
    alert: 'ForwardAuthRevocationsCapped',
    value: 'sum by (job) (increase(forward_auth_revocations_capped_total{$one}[10m]))',
    when: '> 0',
    severity: 'warning',
    summary: 'More revocations of one origin than the log takes in a minute',
    description:
      'Those of webhooks, purges and the audit log are published as one "everything" every ten seconds: none is ' +
        'lost, and the cache helps less. Sign-outs are answered 503.'
  },
  {
    alert: 'ForwardAuthWebhooksRefused',
    value:
      'sum by (job) (increase(forward_auth_webhooks_refused_total{$one,reason=~"wrong_signature|other_app"}[1h]))',
    when: '> 0',
    severity: 'warning',
    summary: 'Webhooks are refused for their signature or their app',
    description:
      "AUTHGEAR_WEBHOOK_SECRET or AUTHGEAR_APP_ID is not the project's: a disabled or deleted user is noticed after " +
        'CACHE_TTL. Or an attacker posts to /webhook.'
  },
  {
    alert: 'ForwardAuthRevocationLogLong',
    value: 'max by (job) (forward_auth_revocation_log_entries{$one} / forward_auth_revocation_log_entries_limit{$one})',
    when: '> 0.5',
    for: '5m',
    severity: 'warning',
    summary: 'The revocation log is more than half as long as it can get',
    description:
      'A flood of revocations, or no replica trims it. At its limit it takes 30 MB of Redis with the default CACHE_TTL.'
  },
  {
    alert: 'ForwardAuthInauthenticRevocations',
    value: 'sum by (job) (increase(forward_auth_revocations_total{$one,origin=~"inauthentic|foreign"}[10m]))',
    when: '> 0',
    severity: 'critical',
    summary: 'Entries of the revocation log are not authentic',
    description:
      'A replica has another CACHE_SECRET, or another program writes to Redis. Each such entry revokes everything, ' +
        'which costs resolutions but admits no user.'
  },
  {
    alert: 'ForwardAuthBadPolicy',
    value: 'sum by (job) (increase(forward_auth_requests_total{$one,reason="bad_policy"}[10m]))',
    when: '> 0',
    severity: 'warning',
    summary: 'A route\'s policy cannot be understood',
    description: 'Everybody is refused there. The log names the policy.'
  },
  {
    alert: 'ForwardAuthCertificateExpires',
    value: 'min by (job) (forward_auth_tls_certificate_expiry_timestamp_seconds{$one}) - time()',
    when: '< 14 * 86400',
    for: '1h',
    severity: 'warning',
    summary: 'The certificate between proxy and forward-auth expires within two weeks',
    description: 'Its renewal has failed. At its end the proxy refuses everybody.'
  },
  {
    alert: 'ForwardAuthEventLoopLag',
    value: 'max by (job) (nodejs_eventloop_lag_p99_seconds{$one} and on (job, instance) forward_auth_build_info{$one})',
    when: '> 0.3',
    for: '5m',
    severity: 'warning',
    summary: 'A replica is overloaded',
    description: 'Every answer of it is late by up to this long.'
  }
]

/** All alerts: the base's, and those of each part. */
export const ALERTS: readonly Alert[] = [...OF_BASE, ...parts.flatMap(({ status: { alerts = [] } }) => alerts)]

/** In a scalar of YAML's single quotes. */
const quoted = (text: string): string => `'${text.replaceAll('\'', '\'\'')}'`

/** Fills in what selects one installation. */
type Select = (expr: string) => string

function rule (
  { alert, value, when, for: during, severity, summary, description }: Alert, selected: Select, runbook: string
): readonly string[] {
  return [
    `- alert: ${alert}`,
    `  expr: ${quoted(selected(when === undefined ? value : `${value} ${when}`))}`,
    ...during === undefined ? [] : [`  for: ${during}`],
    `  labels: { severity: ${severity} }`,
    '  annotations:',
    `    summary: ${quoted(summary)}`,
    `    description: ${quoted(description)}`,
    `    runbook_url: ${quoted(`${runbook}#${alert.toLowerCase()}`)}`
  ]
}

const rules = (selected: Select, runbook: string, indent: number): string =>
  ALERTS.flatMap((one) => rule(one, selected, runbook))
    .map((line) => `${' '.repeat(indent)}${line}`)
    .join('\n')

/** deploy/prometheus/alerts.yml */
export function prometheusRules (): string {
  const everywhere: Select = (expr) => expr.replaceAll('{$one,', '{').replaceAll('{$one}', '')
  return `# Generated by \`npm run docs\` from alerts.ts. Each scraped job is watched separately. Replace docs/runbook.md by the address of your copy.
groups:
  - name: authgear-forward-auth
    rules:
${rules(everywhere, 'docs/runbook.md', 6)}
`
}

/** deploy/kubernetes/chart/templates/prometheusrule.yaml */
export function chartTemplate (): string {
  const ours: Select = (expr) => expr.replaceAll('{$one', '{ {{- $one }}')
  return `{{- /* Generated by \`npm run docs\` from deploy/prometheus/alerts.ts */}}
{{- if .Values.prometheusRule.enabled }}
{{- $one := printf "namespace=%q,service=%q" .Release.Namespace (include "forward-auth.fullname" .) }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "forward-auth.metadata" . | nindent 2 }}
    {{- with .Values.prometheusRule.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  groups:
  - name: authgear-forward-auth
    rules:
${rules(ours, '{{ .Values.prometheusRule.runbook }}', 4)}
{{- end }}
`
}
