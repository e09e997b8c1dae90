import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild, type Child } from './child.ts'
import { freePort } from './free-port.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
export const DEMO_VARIABLES = [
  'DEMO_PORT', 'DEMO_SERVICE_PORT', 'DEMO_MANAGEMENT_PORT', 'DEMO_AUTHGEAR_PORT', 'DEMO_APP_PORT',
  'DEMO_REDIS_PORT', 'DEMO_EVENTS_PORT', 'DEMO_WIKI_PORT', 'DEMO_WIKI_APP_PORT'
] as const
export type Ports = Readonly<Record<typeof DEMO_VARIABLES[number], number>>

export async function freePorts (): Promise<Ports> {
  const ports = new Set<number>()
  while (ports.size < DEMO_VARIABLES.length) ports.add(await freePort())
  return Object.fromEntries(DEMO_VARIABLES.map((name, i) => [name, [...ports][i]])) as Ports
}

export function startDemo (t: Test, ports: Ports, proxy: string, args: readonly string[] = []): Promise<Child> {
  const numbers = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  return startChild(t, {
    name: `demo with ${proxy}`,
    command: process.execPath,
    args: [MAIN, 'demo', ...args],
    // what a person's shell may carry must not reach the demo's service
    env: { ...numbers, DEMO_PROXY: proxy, REDIS_URL: 'redis://nowhere.invalid', AUTHGEAR_ENDPOINT: 'nonsense' },
    ready: output => /^ready:/m.test(output)
  })
}
