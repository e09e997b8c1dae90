/** @param page docs/monitoring.md @param text what `/metrics` says of a service that has everything */
export function withMetricsTable (page: string, text: string): string
