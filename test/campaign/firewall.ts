import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Packets that the kernel drops silently: the arguments of iptables that choose them. */
export type Packets = readonly string[]

/** @returns what ends it */
export async function drop (all: readonly Packets[]): Promise<() => Promise<void>> {
  const each = async (action: '-A' | '-D'): Promise<void> => {
    for (const packets of all) await run('iptables', ['-w', action, 'OUTPUT', '-p', 'tcp', ...packets, '-j', 'DROP'])
  }
  await each('-A')
  return () => each('-D')
}

/** Set where this process has a network namespace of its own, in which it may drop what it likes. */
const OWN = 'CAMPAIGN_NAMESPACE'

/** Whether the kernel may drop packets: in a namespace of our own alone. */
export const hasFirewall = (): boolean => process.env[OWN] !== undefined

/**
 * Starts this program over in a network namespace of its own, where root may.
 * @returns its exit code; undefined where there is none to be had, or this is it
 */
export function inOwnNamespace (): number | undefined {
  if (hasFirewall() || process.getuid?.() !== 0) return undefined
  const probe = 'ip link set lo up && iptables -w -A OUTPUT -p tcp --dport 1 -j DROP'
  if (spawnSync('unshare', ['--net', 'sh', '-c', probe]).status !== 0) return undefined
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const { status } = spawnSync('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...again], {
    stdio: 'inherit', env: { ...process.env, [OWN]: '1' }
  })
  return status ?? 1
}
