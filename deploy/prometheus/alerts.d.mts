export interface Alert {
  readonly alert: string
  /** What is looked at, in PromQL; `$one` is where what selects one installation goes. */
  readonly value: string
  /** What it is compared with; left out where there being something is enough. */
  readonly when?: string
  readonly for?: string
  readonly severity: 'critical' | 'warning'
  readonly summary: string
  readonly description: string
}
export const ALERTS: readonly Alert[]
/** deploy/prometheus/alerts.yml */
export function prometheusRules (): string
/** deploy/kubernetes/chart/templates/prometheusrule.yaml */
export function chartTemplate (): string
