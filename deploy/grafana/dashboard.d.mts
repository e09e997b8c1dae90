/** deploy/grafana/dashboard.json */
export function dashboard (): string
