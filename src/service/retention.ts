import type { ServiceSettings } from './settings.ts'

/** How much longer than any entry lives a revocation is kept, in milliseconds. */
const RETENTION_MARGIN_MS = 5 * 60_000

type Lives = Readonly<{
  authgear: Pick<ServiceSettings['authgear'], 'timeoutMs'>
  cache: Pick<ServiceSettings['cache'], 'ttlMs' | 'negativeTtlMs' | 'staleIfErrorMs'>
}>

/** Milliseconds for which a revocation may matter to an entry of either tier. */
export function retentionOf ({ authgear, cache }: Lives): number {
  return Math.max(cache.ttlMs, cache.negativeTtlMs) + cache.staleIfErrorMs + authgear.timeoutMs + RETENTION_MARGIN_MS
}
