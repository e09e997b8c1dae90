import { connect } from 'node:net'
import { reachable } from '../base/config/beside.ts'
import { loadConfig } from '../app/config.ts'
import type { ListenAddress } from '../base/config/index.ts'
import { type Out, refuse } from './command-line.ts'

/** Docker's own default is 30 s. */
const TIMEOUT_MS = 3000
const REQUEST = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** Exit code 0 when this machine's instance answers `/livez`; for Docker's HEALTHCHECK. */
export async function healthcheck (env: NodeJS.ProcessEnv, err: Out): Promise<0 | 1> {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') return refuse(['the configuration is wrong: run `check`'], err)
  const { management } = loaded.config
  if (management === undefined) return refuse(['MANAGEMENT_LISTEN is off: there is nothing to ask'], err)
  const problem = await ask(management)
  return problem === undefined ? 0 : refuse([`/livez: ${problem}`], err)
}

/** By hand: `node:http` would take 7 MiB of the memory that a small container has for the service itself. */
function ask (address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const target =
      address.kind === 'unix' ? { path: address.path } : { host: reachable(address.host), port: address.port }
    const socket = connect(target, () => socket.write(REQUEST))
    let head = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      head += text
      if (head.includes('\r\n')) socket.destroy()
    })
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    socket.once('error', (error) => resolve(error.message))
    socket.once('close', () => resolve(problemOf(head)))
  })
}

/** The problem of an answer that begins with this status line. */
function problemOf (head: string): string | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]
  return status === '200' ? undefined : status === undefined ? 'answered nothing' : `answered ${status}`
}
