import { request } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'

export interface Service {
  /** The main listener; `https` where the environment names a certificate. */
  readonly url: string
  readonly managementUrl: string
  readonly port: number
  /** LISTEN_GRPC's; 0 where it is off. */
  readonly grpcPort: number
  readonly pid: number
  /** Everything that it printed. */
  logs (): string
  /** SIGTERM, and waits for its end. */
  stop (): Promise<void>
  /** SIGKILL, as a crash would be. */
  kill (): Promise<void>
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

const MAIN = join(import.meta.dirname, '../../dist/main.js')

/** By default 2 s and 50 ms: on a busy machine a page that somebody waits for would be a 503. */
function patience (env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const hasRedis = Object.keys(env).some((name) => name.startsWith('REDIS_'))
  return { AUTHGEAR_TIMEOUT: '60s', ...hasRedis && { REDIS_TIMEOUT: '5s' } }
}

/**
 * `port`, `grpcPort`: those of a predecessor; `grpc`: with LISTEN_GRPC. `enter`: words before the command, such as
 * those that start it under a limit. `node`: another one than this.
 */
export type Starting = Readonly<{
  port?: number
  grpc?: boolean
  grpcPort?: number
  enter?: readonly string[]
  node?: string
  /** The dist/main.js of another build. */
  main?: string | undefined
}>

/**
 * A replica as it is in production: `node dist/main.js`, a process of its own (`npm run build` comes first), on free
 * ports unless told otherwise.
 */
export async function startProcess (
  t: Test,
  env: Readonly<Record<string, string>>,
  starting: Starting = {}
): Promise<Service> {
  const { port: wanted, enter = [], node = process.execPath, main = MAIN } = starting
  const [port, managementPort] = [wanted ?? await freePort(), await freePort()]
  const grpcPort = starting.grpcPort ?? (starting.grpc === true ? await freePort() : 0)
  const [command = node, ...args] = [...enter, ...exactOptions(env), node, main]
  const managementUrl = `http://127.0.0.1:${managementPort}`
  const child = await startChild(t, {
    name: `forward-auth on ${port}`,
    command,
    args,
    env: {
      ...patience(env),
      LISTEN: `127.0.0.1:${port}`,
      MANAGEMENT_LISTEN: `127.0.0.1:${managementPort}`,
      ...grpcPort === 0 ? {} : { LISTEN_GRPC: `127.0.0.1:${grpcPort}` },
      ...env
    },
    ready: () => isReady(managementUrl)
  })
  return Object.freeze({
    url: `${env['LISTEN_TLS_CERT_FILE'] === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    managementUrl,
    port,
    grpcPort,
    pid: child.pid,
    logs: child.output,
    stop: () => child.stop('SIGTERM'),
    kill: () => child.stop('SIGKILL'),
    ended: child.ended
  })
}

/**
 * A heap of a given size is this process's alone: tap adds hooks and coverage to NODE_OPTIONS, which take 20 MB of it.
 */
function exactOptions ({ NODE_OPTIONS: options }: Readonly<Record<string, string>>): readonly string[] {
  return options === undefined ? [] : ['env', '-u', 'NODE_V8_COVERAGE', `NODE_OPTIONS=${options}`]
}

function isReady (managementUrl: string): Promise<boolean> {
  return new Promise(resolve => {
    const asked = request(`${managementUrl}/readyz`, { agent: false }, answer => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.once('error', () => resolve(false)).end()
  })
}
