import { heapFlags } from '../core/memory-budget.ts'
import type { MachineMemory } from '../config/machine-memory.ts'

/** Not before Node 22.15; it puts another program in this one's place, so that there is never a second process. */
type Execve = (path: string, args: readonly string[], env: NodeJS.ProcessEnv) => never
type Process = Readonly<{ execPath: string, execArgv: readonly string[], argv: readonly string[], env: NodeJS.ProcessEnv }> & { execve?: Execve }

/**
 * In a container with a limit, starts this program over with V8's limits for it: V8 reads them only at its start, and by itself
 * takes more than a small container has. Whoever sets --max-old-space-size is left to it.
 */
export function fitHeap (self: Process, { limitBytes, isContainer }: MachineMemory): void {
  const isSet = `${self.env['NODE_OPTIONS'] ?? ''} ${self.execArgv.join(' ')}`.replaceAll('_', '-').includes('--max-old-space-size')
  if (!isContainer || isSet || self.execve === undefined) return
  self.execve(self.execPath, [self.execPath, ...heapFlags(limitBytes), ...self.execArgv, ...self.argv.slice(1)], self.env)
}
