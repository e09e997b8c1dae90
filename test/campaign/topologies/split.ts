import type { Links } from '../replica.ts'

/** Those who stay reach the old master alone, all others everything else; nobody is told. */
export function splitFrom (replicas: readonly Links[], stays: readonly number[], old: number): void {
  replicas.forEach((links, index) => {
    for (const [port, link] of links) {
      if (stays.includes(index) !== (port === old)) link.become({ kind: 'silent', lost: 'both' })
    }
  })
}
