import type { RedisServer } from '../../helpers/redis.ts'

const WITHIN_MS = 1500

/** To Redis' protected mode only 127.0.0.1 is this machine, and each replica comes from an address of its own. */
export const OPEN_TO_LOOPBACK = ['--protected-mode', 'no'] as const

/** One command, for so long at most: a frozen server does not even greet. */
export async function call (
  server: RedisServer,
  ...command: readonly [string, ...string[]]
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${command.join(' ')}: no answer within ${WITHIN_MS} ms`)), WITHIN_MS)
  })
  try {
    return await Promise.race([server.cli(...command), late])
  } finally {
    clearTimeout(timer)
  }
}

const isAlive = (server: RedisServer): Promise<boolean> => call(server, 'PING').then(() => true, () => false)

/** The words of ROLE, or none where it does not answer. */
export async function roleOf (server: RedisServer): Promise<readonly unknown[]> {
  const role = await call(server, 'ROLE').catch(() => [])
  return Array.isArray(role) ? role : []
}

export const isMaster = ([word]: readonly unknown[]): boolean => word === 'master'
export const isConnectedTo = ([word, , port, state]: readonly unknown[], master: number): boolean =>
  word === 'slave' && port === master && state === 'connected'

/** Those that do not answer are started again. */
export async function revive (servers: readonly RedisServer[]): Promise<void> {
  for (const server of servers) server.resume()
  await Promise.all(servers.map(async (server) => { if (!await isAlive(server)) await server.restart() }))
}
