// The table of metrics in docs/monitoring.md, from what `/metrics` itself says: `npm run docs` writes it, a test
// compares.
import { tableOf, withGenerated } from './generated.ts'

/** @param page docs/monitoring.md @param text what `/metrics` says of a service that has everything */
export function withMetricsTable (page: string, text: string): string {
  return withGenerated(page, 'src/base/metrics/metrics.ts', table(text))
}

function table (text: string): string {
  const rows = Array.from(
    text.matchAll(/^# HELP (forward_auth_\w+) (.*)$/gm),
    ([, name = '', help = '']) => [`\`${name}\``, labels(name, text), help]
  )
  return tableOf(['metric', 'labels', 'meaning'], rows)
}

/** Labels whose values differ, or come with the first event. */
const LATER: Readonly<Record<string, string>> = {
  forward_auth_build_info: 'version',
  forward_auth_audit_entries_total: 'activity',
  forward_auth_audit_revocations_total: 'activity',
  forward_auth_event_streams: 'app',
  forward_auth_event_streams_opened_total: 'app'
}

/** With the values that are there from the start, but for those of what is counted by several labels at once. */
function labels (name: string, text: string): string {
  const values = new Map<string, Set<string>>()
  for (const [, list = ''] of text.matchAll(new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'gm'))) {
    for (const [, label = '', value = ''] of list.matchAll(/(\w+)="([^"]*)"/g)) {
      if (label !== 'le' && label !== 'version') values.set(label, (values.get(label) ?? new Set()).add(value))
    }
  }
  if (LATER[name] !== undefined) return `\`${LATER[name]}\``
  if (name === 'forward_auth_requests_total') return Array.from(values.keys(), (label) => `\`${label}\``).join(', ')
  return Array.from(values, ([label, all]) => `\`${label}\`: ${Array.from(all).join(', ')}`).join('; ')
}
