import type { Test } from 'tap'

/**
 * One row of docs/inside/security-tests.md, which is generated from these calls: what went wrong elsewhere, and the
 * test that it does not here.
 */
export function advisory (
  t: Test,
  names: string,
  fault: string,
  run: (t: Test) => Promise<void> | void,
  skip: string | false = false
): void {
  t.test(`${names}: ${fault}`, { skip }, async (t) => await run(t)).catch(t.threw)
}
