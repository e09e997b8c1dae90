import { heapFlags } from '../../src/base/core/memory-budget.ts'

/** Bytes of V8's heap in a container of so many MiB; its young generation has three parts. */
export function heapOf (limitMib: number): number {
  const [oldMib = 0, semiMib = 0] = heapFlags(limitMib * 2 ** 20).map((flag) => Number(flag.split('=')[1]))
  return (oldMib + 3 * semiMib) * 2 ** 20
}
