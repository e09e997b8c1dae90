import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './until.ts'

/** A control group with a hard limit of memory, as a container is one: the kernel kills what exceeds it. */
export interface MemoryLimit {
  /** Which version of control groups this machine has. */
  readonly version: 1 | 2
  /** What starts a command inside of it: put it before the command's own words. */
  readonly enter: readonly string[]
  /** Bytes that the kernel counts, page cache included. */
  usage (): number
  /** How many processes the kernel killed for exceeding it. */
  kills (): number
}

const V1 = '/sys/fs/cgroup/memory'
const V2 = '/sys/fs/cgroup'
const V1_FILES = { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', kills: 'memory.oom_control' }
const V2_FILES = { limit: 'memory.max', usage: 'memory.current', kills: 'memory.events' }

/** @returns undefined where this user may make no control group, or the machine has none for memory */
export function limitMemory (t: Test, bytes: number): MemoryLimit | undefined {
  const version = existsSync(join(V1, V1_FILES.limit)) ? 1 : 2
  const [root, files] = version === 1 ? [V1, V1_FILES] as const : [V2, V2_FILES] as const
  const folder = join(root, `forward-auth-test-${randomUUID()}`)
  try {
    mkdirSync(folder)
    t.teardown(() => until('nobody is left in the control group', () => isRemoved(folder)))
    writeFileSync(join(folder, files.limit), String(bytes))
  } catch {
    return undefined
  }
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
  return {
    version,
    enter: ['/bin/sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$0" "$@"`],
    usage: () => Number(read(files.usage)),
    kills: () => Number(/^oom_kill (\d+)$/m.exec(read(files.kills))?.[1])
  }
}

/** The kernel takes a moment to let go of a process that ended. */
function isRemoved (folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch {
    return !existsSync(folder)
  }
}
