// The dashboard, in its short form: `npm run docs` writes dashboard.json from here, and a test asks a real Prometheus
// each of its expressions.

const SELECTED = 'job="$job",instance=~"$instance"'
const RANGE = '$__rate_interval'

/** `$s` in a query stands for what the reader selected, `$r` for the range that fits the picture. */
const written = (query: string): string => query.replaceAll('$s', SELECTED).replaceAll('$r', RANGE)

const rate = (by: string, metric: string, more = ''): string => `sum by (${by}) (rate(forward_auth_${metric}{$s${more}}[$r]))`
const quantile = (share: number, metric: string, by = ''): string =>
  `histogram_quantile(${share}, sum by (${by === '' ? '' : `${by}, `}le) (rate(forward_auth_${metric}_bucket{$s}[$r])))`

const [GREEN, YELLOW, RED] = ['green', 'yellow', 'red'] as const
type Thresholds = ReadonlyArray<readonly [from: number | null, colour: string]>
/** Green below the first bound, yellow below the second, red from there on. */
const rising = (warn: number, bad: number): Thresholds => [[null, GREEN], [warn, YELLOW], [bad, RED]]
/** Red below 1. */
const YES: Thresholds = [[null, RED], [1, GREEN]]

type Stat = readonly [
  title: string, description: string, unit: string, query: string, thresholds: Thresholds, runbook: string,
  wordsFor01?: readonly string[]
]

/** The first row. */
const NOW: readonly Stat[] = [
  [
    'Share of 503',
    'Of the last five minutes. From 1 % on the alert fires.',
    'percentunit',
    '(sum(rate(forward_auth_requests_total{$s,status="503"}[5m])) or vector(0)) / ' +
      'sum(rate(forward_auth_requests_total{$s}[5m]))',
    rising(0.001, 0.01),
    'forwardauthunavailable'
  ],
  [
    'Authgear',
    'Whether a replica does not ask Authgear after failures.',
    'short',
    'max(forward_auth_authgear_circuit_open{$s})',
    [[null, GREEN], [1, RED]],
    'forwardauthauthgearcircuitopen',
    ['asked', 'not asked']
  ],
  [
    'Redis',
    'The worst of all replicas.',
    'short',
    'min(forward_auth_redis_up{$s})',
    YES,
    'forwardauthredisdown',
    ['down', 'answers']
  ],
  [
    'Revocation log',
    'The worst of all replicas.',
    'short',
    'min(forward_auth_revocation_log_connected{$s})',
    YES,
    'forwardauthrevocationlognotfollowed',
    ['not followed', 'followed']
  ],
  [
    'Replicas that are apart',
    'Scraped, and not seen on the revocation log.',
    'short',
    'count(forward_auth_replicas_seen{$s}) - max(forward_auth_replicas_seen{$s})',
    rising(1, 2),
    'forwardauthreplicasapart'
  ],
  [
    'Changes without a webhook',
    'Users that changed by the audit log since the last webhook came.',
    'short',
    'max(forward_auth_audit_untold_changes{$s})',
    rising(1, 10),
    'forwardauthwebhookssilent'
  ]
]

type Words = ReadonlyArray<readonly [text: string, colour: string | undefined]>

/** What 0 and 1 mean, and their colours, for panels of states. */
const STATES: Readonly<Record<string, Words>> = {
  up: [['no', RED], ['yes', GREEN]],
  open: [['asked', GREEN], ['not asked', RED]]
}

type Query = readonly [query: string, legend: string]
type Panel = readonly [title: string, description: string, unitOrState: string, ...queries: readonly Query[]]

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Answers: [
    ['Answers by status', 'What the proxies were told.', 'reqps', [rate('status', 'requests_total'), '{{status}}']],
    [
      'Answers by reason',
      'Why, with what clients are not told: a bad policy, a wrong address of Authgear.',
      'reqps',
      [rate('reason', 'requests_total'), '{{reason}}']
    ],
    ['Answers by source', 'Where the identity came from.', 'reqps', [rate('source', 'requests_total'), '{{source}}']],
    [
      'Latency by source',
      'From the request to the answer.',
      's',
      [quantile(0.5, 'request_duration_seconds', 'source'), '{{source}} p50'],
      [quantile(0.99, 'request_duration_seconds', 'source'), '{{source}} p99']
    ],
    [
      'Share of 503',
      'Authgear is unreachable or overloaded.',
      'percentunit',
      [`${rate('job', 'requests_total', ',status="503"')} / ${rate('job', 'requests_total')}`, '503']
    ],
    [
      'Replicas',
      'Scraped, by version; and seen on the revocation log.',
      'short',
      ['count by (version) (forward_auth_build_info{$s})', 'scraped, {{version}}'],
      ['max(forward_auth_replicas_seen{$s})', 'on the log']
    ]
  ],
  Cache: [
    [
      'Hit ratio by tier',
      'Of the look-ups in each tier; Redis is asked for what memory does not know.',
      'percentunit',
      [
        'sum by (tier) (rate(forward_auth_cache_reads_total{$s,outcome="hit"}[$r])) / sum by (tier) ' +
          '(rate(forward_auth_cache_reads_total{$s}[$r]))',
        '{{tier}}'
      ]
    ],
    [
      'Look-ups by outcome',
      'rejected: something was there that cannot be trusted.',
      'ops',
      [rate('tier, outcome', 'cache_reads_total'), '{{tier}} {{outcome}}']
    ],
    [
      'Coalescing gain',
      'Requests that one resolution answered: 1 where nobody asks at the same time.',
      'short',
      [
        '1 + (sum(rate(forward_auth_coalesced_total{$s}[$r])) / ' +
          `${rate('', 'authgear_requests_total', ',outcome!="rejected"').replace('sum by ()', 'sum')})`,
        'requests a resolution'
      ],
      [rate('scope', 'coalesced_total'), 'coalesced in the {{scope}}, a second']
    ],
    ['Entries in memory', 'Of CACHE_MAX_ENTRIES.', 'short', ['forward_auth_cache_entries{$s}', '{{instance}}']],
    [
      'Memory that they take',
      'Of CACHE_MAX_MEMORY.',
      'percentunit',
      ['forward_auth_cache_bytes{$s} / forward_auth_cache_max_bytes{$s}', '{{instance}}']
    ]
  ],
  Authgear: [
    [
      'Latency of the resolver',
      'Without what was not sent.',
      's',
      [quantile(0.5, 'authgear_request_duration_seconds'), 'p50'],
      [quantile(0.99, 'authgear_request_duration_seconds'), 'p99']
    ],
    [
      'Requests by outcome',
      'rejected: not sent, since too many wait or the circuit breaker is open.',
      'reqps',
      [rate('outcome', 'authgear_requests_total'), '{{outcome}}']
    ],
    [
      'Under way and waiting',
      'Bounded by AUTHGEAR_MAX_CONCURRENCY and AUTHGEAR_MAX_QUEUE.',
      'short',
      ['sum(forward_auth_authgear_in_flight{$s})', 'under way'],
      ['sum(forward_auth_authgear_queued{$s})', 'waiting']
    ],
    [
      'Authgear is asked',
      'Not while the breaker is open.',
      'open',
      ['forward_auth_authgear_circuit_open{$s}', '{{instance}}']
    ]
  ],
  'Revocations and Redis': [
    [
      'Revocations by origin',
      'inauthentic: somebody else writes, or another CACHE_SECRET.',
      'ops',
      [rate('origin', 'revocations_total'), '{{origin}}']
    ],
    [
      'Revocation lag',
      'From the append to the log until a replica has read it.',
      's',
      [quantile(0.5, 'revocation_log_lag_seconds'), 'p50'],
      [quantile(0.99, 'revocation_log_lag_seconds'), 'p99']
    ],
    [
      'Redis and the log',
      'Whether Redis answers, and whether the revocation log is followed.',
      'up',
      ['forward_auth_redis_up{$s}', 'answers, {{instance}}'],
      ['forward_auth_revocation_log_connected{$s}', 'followed, {{instance}}']
    ],
    [
      'Redis errors by operation',
      'Failed, or slower than REDIS_TIMEOUT; Authgear is asked instead.',
      'ops',
      [rate('operation', 'redis_errors_total'), '{{operation}}']
    ]
  ],
  'Audit log': [
    [
      'Not read for',
      'The least of all replicas: one reads for all.',
      's',
      ['min(forward_auth_audit_behind_seconds{$s})', 'behind']
    ],
    [
      'Polls by outcome',
      'pending is read again; lost_lease: another replica leads.',
      'ops',
      [rate('outcome', 'audit_polls_total'), '{{outcome}}']
    ],
    [
      'Errors by kind',
      'docs/audit-log.md says what to do about each.',
      'ops',
      [rate('kind', 'audit_errors_total'), '{{kind}}']
    ],
    [
      'Lag',
      "From an event to its revocation, by Authgear's clock, in whole seconds.",
      's',
      [quantile(0.99, 'audit_lag_seconds'), 'p99']
    ]
  ],
  Process: [
    [
      'Event loop',
      'How late everything is; the first sign of too much to do.',
      's',
      ['nodejs_eventloop_lag_p50_seconds{$s}', 'p50 {{instance}}'],
      ['nodejs_eventloop_lag_p99_seconds{$s}', 'p99 {{instance}}']
    ],
    [
      'Memory',
      'Resident, and of it the heap in use.',
      'bytes',
      ['process_resident_memory_bytes{$s}', 'resident {{instance}}'],
      ['nodejs_heap_size_used_bytes{$s}', 'heap {{instance}}']
    ],
    ['CPU', 'Cores in use.', 'short', ['rate(process_cpu_seconds_total{$s}[$r])', '{{instance}}']],
    ['Open files', 'Connections, most of all.', 'short', ['process_open_fds{$s}', '{{instance}}']],
    [
      'Certificate ends in',
      'Of the main listener, where it speaks TLS.',
      's',
      ['min(forward_auth_tls_certificate_expiry_timestamp_seconds{$s}) - time()', 'left']
    ]
  ]
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } // eslint-disable-line no-template-curly-in-string
const RUNBOOK = '${runbook}' // eslint-disable-line no-template-curly-in-string
const [WIDTH, HEIGHT] = [8, 8]

const steps = (thresholds: Thresholds) =>
  ({ mode: 'absolute', steps: thresholds.map(([value, color]) => ({ color, value })) })
const mappings = (words: Words) => [
  { type: 'value', options: Object.fromEntries(words.map(([text, color], index) => [index, { text, color, index }])) }
]
const runbookLink = (anchor: string) => [{ title: 'What to do', url: `${RUNBOOK}#${anchor}`, targetBlank: true }]

function targetsOf (queries: readonly Query[]) {
  return queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    expr: written(expr),
    legendFormat,
    range: true
  }))
}

type Place = Readonly<Record<'x' | 'y' | 'w' | 'h', number>>

function stat (id: number, [title, description, unit, query, thresholds, anchor, words]: Stat, gridPos: Place) {
  const colourOf = (value: number) => thresholds.findLast(([from]) => (from ?? 0) <= value)?.[1]
  const coloured = words?.map((text, value) => [text, colourOf(value)] as const)
  return {
    id,
    type: 'stat',
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    links: runbookLink(anchor),
    fieldConfig: {
      defaults: { unit, thresholds: steps(thresholds), mappings: coloured === undefined ? [] : mappings(coloured) },
      overrides: []
    },
    options: { colorMode: 'background', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } },
    targets: targetsOf([[query, '']])
  }
}

function timeline (id: number, [title, description, states, ...queries]: Panel, gridPos: Place) {
  return {
    id,
    type: 'state-timeline',
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { mappings: mappings(STATES[states] ?? []), custom: { fillOpacity: 80 } }, overrides: [] },
    options: { mergeValues: true, showValue: 'auto', rowHeight: 0.8, legend: { showLegend: false } },
    targets: targetsOf(queries)
  }
}

function panel (id: number, [title, description, unit, ...queries]: Panel, gridPos: Place) {
  if (unit in STATES) return timeline(id, [title, description, unit, ...queries], gridPos)
  return {
    id,
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' }
    },
    targets: targetsOf(queries)
  }
}

const STAT_HEIGHT = 4

function panels () {
  const w = 24 / NOW.length
  const all: object[] = NOW.map((one, index) => stat(index + 1, one, { x: index * w, y: 0, w, h: STAT_HEIGHT }))
  let y = STAT_HEIGHT
  for (const [title, list] of Object.entries(ROWS)) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
      panels: []
    })
    for (const [index, one] of list.entries()) {
      all.push(
        panel(all.length + 1, one, {
          x: (index % 3) * WIDTH,
          y: y + Math.floor(index / 3) * HEIGHT,
          w: WIDTH,
          h: HEIGHT
        })
      )
    }
    y += Math.ceil(list.length / 3) * HEIGHT
  }
  return all
}

const variable = (name: string, label: string, query: string, more = {}) => ({
  name,
  label,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  definition: query,
  refresh: 2,
  sort: 1,
  ...more
})

/** Each start of a replica, at its time. */
const RESTARTS = {
  name: 'Starts of replicas',
  datasource: DATASOURCE,
  enable: true,
  iconColor: 'blue',
  expr: written('process_start_time_seconds{$s} * 1000'),
  useValueForTime: true,
  titleFormat: 'started',
  textFormat: '{{instance}}'
}

/** deploy/grafana/dashboard.json */
export function dashboard (): string {
  return `${JSON.stringify({
    title: 'authgear-forward-auth',
    uid: 'authgear-forward-auth',
    description: 'Who is behind this request? Generated by `npm run docs` from deploy/grafana/dashboard.ts.',
    tags: ['authgear', 'forward-auth'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: '',
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        variable('job', 'Job', 'label_values(forward_auth_build_info, job)'),
        variable('instance', 'Replica', 'label_values(forward_auth_build_info{job="$job"}, instance)', {
          multi: true,
          includeAll: true,
          allValue: '.*'
        }),
        {
          name: 'runbook',
          label: 'Runbook',
          description: 'The address of your copy of docs/runbook.md, or a replica\'s own: http://localhost:4181/runbook',
          type: 'textbox',
          query: 'docs/runbook.md',
          current: { text: 'docs/runbook.md', value: 'docs/runbook.md' }
        }
      ]
    },
    annotations: { list: [RESTARTS] },
    links: [{ type: 'link', title: 'Runbook', url: RUNBOOK, icon: 'doc', targetBlank: true }],
    panels: panels()
  }, null, 1)}\n`
}
