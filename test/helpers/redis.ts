import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { startChild, type Child } from './child.ts'
import { freePort } from './free-port.ts'
import { mustFind, type ServerName } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import type { TlsFiles } from './tls.ts'

export type RedisServerName = Extract<ServerName, 'redis-server' | 'redis-6.2' | 'valkey-server'>

export interface RedisOptions {
  /** Further arguments of redis-server. */
  readonly args?: readonly string[]
  readonly port?: number
  /** Default: the system's redis-server. */
  readonly server?: RedisServerName
  readonly tls?: TlsFiles
  /** With a user name: an ACL user, and the default user is off. Without: `requirepass`. */
  readonly username?: string
  readonly password?: string
}

export interface RedisServer {
  readonly port: number
  /** With the user and the password, where there are some. */
  readonly url: string
  readonly pid: number
  /** Freezes it: connections stay open, nothing is answered. */
  pause (): void
  resume (): void
  /** Kills it, as a crash would. */
  stop (): Promise<void>
  /**
   * Kills it where it still runs, and starts it on the same port, empty unless `args` ask for an append-only file.
   * @param further arguments of this start alone
   */
  restart (...further: readonly string[]): Promise<void>
  /** Its clock for lives of keys goes on by so many milliseconds, as a manual clock of replicas does. */
  elapse (ms: number): Promise<void>
  /** One command on a connection of its own: `cli('GET', key)`. */
  cli (...command: readonly [string, ...string[]]): Promise<unknown>
}

const ELAPSE = `for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end`

/** A real redis-server, without persistence. */
export async function startRedis (t: Test, options: RedisOptions = {}): Promise<RedisServer> {
  const port = options.port ?? await freePort()
  const folder = tempDir(t, 'redis')
  const start = (further: readonly string[] = []): Promise<Child> =>
    startChild(t, {
      name: 'redis-server',
      command: mustFind(options.server ?? 'redis-server'),
      args: [...argumentsFor(options, port, folder), ...further],
      ready: (output) => output.includes('Ready to accept connections')
    })
  const url = urlOf(options, port)
  let child = await start()
  return Object.freeze({
    port,
    url,
    get pid () { return child.pid },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    stop: () => child.stop('SIGKILL'),
    async restart (...further: readonly string[]) {
      await child.stop('SIGKILL')
      child = await start(further)
    },
    async elapse (ms: number) { await redisClient(url, ['EVAL', ELAPSE, '0', String(ms)], options.tls) },
    cli: (...command: readonly [string, ...string[]]) => redisClient(url, command, options.tls)
  })
}

function argumentsFor (options: RedisOptions, port: number, folder: string): string[] {
  const plain = ['--bind', '127.0.0.1', '--save', '', '--dir', folder, '--port', String(port)]
  return [...plain, ...tlsArguments(options.tls, port), ...accessArguments(options), ...options.args ?? []]
}

function tlsArguments (tls: TlsFiles | undefined, port: number): string[] {
  if (tls === undefined) return []
  return [
    '--port',
    '0',
    '--tls-port',
    String(port),
    ...tlsSettings(tls).flatMap(([name, value]) => [`--${name}`, value])
  ]
}

/** Also between servers, and as a Sentinel's configuration has them. */
export function tlsSettings (tls: TlsFiles): ReadonlyArray<readonly [name: string, value: string]> {
  return [
    ['tls-auth-clients', 'no'],
    ['tls-replication', 'yes'],
    ['tls-cert-file', tls.certFile],
    ['tls-key-file', tls.keyFile],
    ['tls-ca-cert-file', tls.caFile]
  ]
}

function accessArguments ({ username, password }: RedisOptions): string[] {
  if (password === undefined) return []
  if (username === undefined) return ['--requirepass', password]
  return ['--user', username, 'on', `>${password}`, '~*', '&*', '+@all', '--user', 'default', 'off']
}

function urlOf ({ tls, username, password }: RedisOptions, port: number): string {
  const access = password === undefined ? '' : `${encodeURIComponent(username ?? '')}:${encodeURIComponent(password)}@`
  return `${tls === undefined ? 'redis' : 'rediss'}://${access}127.0.0.1:${port}`
}

/** One command on a connection of its own. */
export async function redisClient (
  url: string,
  [name, ...args]: readonly [string, ...string[]],
  tls?: TlsFiles
): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true, ...(tls && { tls: { ca: tls.ca } }) })
  client.on('error', () => {}) // connect() below rejects with it
  try {
    await client.connect()
    return await client.call(name, ...args)
  } finally {
    client.disconnect()
  }
}
