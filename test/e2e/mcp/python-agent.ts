import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { mustFind } from '../../helpers/servers.ts'
import { type Agent, CALLBACK, type Called, type Introduction, signIn } from './agent.ts'

const SCRIPT = join(import.meta.dirname, 'agent.py')

/** A line of the script: where the person has to go, or what came of a call. */
type Line = Called & Readonly<{ visit?: string }>

/** With the Python package `mcp`, in a process of its own. */
export function pythonAgent (t: Test, { origin, port, document = '', cookie = '' }: Introduction): Agent {
  const child = spawn(mustFind('python-mcp'), [SCRIPT, origin, String(port), CALLBACK, document, cookie], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.teardown(() => { child.kill('SIGKILL') })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const say = (line: object): void => { child.stdin.write(`${JSON.stringify(line)}\n`) }
  return {
    async call (path, tool) {
      say({ path, tool })
      while (true) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error('the agent in Python has ended')
        const { visit, ...called } = JSON.parse(value) as Line
        if (visit === undefined) return called
        say({ came: await signIn(visit, 'alice') })
      }
    }
  }
}
