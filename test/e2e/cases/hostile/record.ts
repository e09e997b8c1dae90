import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Proxy } from '../../proxy.ts'

/**
 * By spelling and person: the statuses that the three apps' runs saw, 0 for a connection that was closed without one.
 */
export type Outcomes = Record<string, Record<string, Set<number>>>

const RESULTS = join(import.meta.dirname, '../../../../artifacts/hostile')

/** What docs/behaviour.ts makes docs/inside/hostile.md of. */
export function writeHostile ({ column }: Proxy, outcomes: Outcomes): void {
  if (column === undefined) return
  mkdirSync(RESULTS, { recursive: true })
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Set ? [...(value as Set<number>)].toSorted((a, b) => a - b) : value
  writeFileSync(join(RESULTS, `${column}.json`), JSON.stringify(outcomes, plain, 2))
}
