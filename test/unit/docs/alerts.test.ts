import { readFileSync } from 'node:fs'
import t from 'tap'
import { createMetrics } from '../../../src/metrics.ts'

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

t.test('alerts and the page of the audit log name metrics that there are', async (t) => {
  const no = { inFlight: 0, queued: 0, circuitOpen: false }
  const metrics = createMetrics('0', { resolver: () => no, cacheEntries: () => 0, redisUp: () => true, logFollowed: () => true, replicasSeen: () => 1, audit: { isLeader: () => true, behindSeconds: () => 61 }, certificateExpiry: undefined })
  const rendered = await metrics.render()
  const names = new Set(['deploy/prometheus/alerts.yml', 'docs/audit-log.md'].flatMap((path) => file(path).match(/forward_auth_[a-z_]+/g) ?? []))
  t.ok(names.size >= 7)
  for (const name of names) t.ok(rendered.includes(`# TYPE ${name} `), name)
  t.match(rendered, /^forward_auth_audit_behind_seconds 61$/m)
  t.match(rendered, /^forward_auth_audit_leader 1$/m)
  t.match(rendered, /^forward_auth_audit_errors_total\{kind="log_unavailable"\} 0$/m)
})
