import { heapFlags, heapFlagsOutside } from '../base/core/memory-budget.ts'
import type { MachineMemory } from '../base/config/machine-memory.ts'

/** Not before Node 22.15; it puts another program in this one's place, so that there is never a second process. */
type Execve = (path: string, args: readonly string[], env: NodeJS.ProcessEnv) => never
type Process = Readonly<{
  execPath: string
  execArgv: readonly string[]
  argv: readonly string[]
  env: NodeJS.ProcessEnv
}> & { execve?: Execve, send?: unknown }

/** Flags that choose the heap's size: a user who sets one keeps it. */
const SIZES = ['--max-old-space-size', '--max-heap-size']

/** As in the image: glibc would make an arena a thread, which costs some MiB and gains nothing here. */
const ARENAS = { MALLOC_ARENA_MAX: '1' }

/** The default of CACHE_MAX_ENTRIES, which the usual limits are for. */
const USUAL_ENTRIES = 100_000

/**
 * Re-executes this program with V8's limits for its container, or for what it needs outside of one: V8 reads them only
 * at its start, and its defaults exceed a small container. Limits in the user's NODE_OPTIONS stay.
 */
export function fitHeap (self: Process, memory: MachineMemory): void {
  const given = `${self.env['NODE_OPTIONS'] ?? ''} ${self.execArgv.join(' ')}`.replaceAll('_', '-')
  const isGiven = (flag: string): boolean => given.includes(flag.split('=')[0] ?? flag)
  // its channel to a parent (fork, cluster, a process manager) would not outlive the replacement
  if (SIZES.some(isGiven) || self.execve === undefined || self.send !== undefined) return
  const flags = flagsFor(self, memory).filter((flag) => !isGiven(flag))
  try {
    const args = [self.execPath, ...flags, ...self.execArgv, ...self.argv.slice(1)]
    self.execve(self.execPath, args, { ...ARENAS, ...self.env })
  } catch {
    // Node's permission model forbids it: the start goes on, and warns that V8 does not fit
  }
}

function flagsFor ({ env }: Process, memory: MachineMemory): readonly string[] {
  if (memory.isContainer) return heapFlags(memory.limitBytes)
  const isMore = (env['CACHE_MAX_MEMORY'] ?? '') !== '' || Number(env['CACHE_MAX_ENTRIES']) > USUAL_ENTRIES
  return heapFlagsOutside(memory, isMore)
}
