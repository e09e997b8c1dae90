import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Bytes: what this process may take at most, and what of it V8 takes for its heap at most. */
export type MachineMemory = Readonly<{
  limitBytes: number
  /** True if the limit is a container's (its control group, version 1 or 2), and not all that the machine has. */
  isContainer: boolean
  heapBytes: number
}>

/** Node reads the control group of either version; without a limit it says 0, or more than any machine has. */
export function machineMemory (): MachineMemory {
  const [total, constrained] = [totalmem(), process.constrainedMemory()]
  const isContainer = constrained > 0 && constrained < total
  return { limitBytes: isContainer ? constrained : total, isContainer, heapBytes: getHeapStatistics().heap_size_limit }
}
