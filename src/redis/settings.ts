export type RedisAddress = Readonly<{ host: string, port: number }>

/** Which servers there are, in one of the three forms. */
export type RedisServers =
  | Readonly<{ kind: 'one', host: string, port: number, db: number }>
  | Readonly<{ kind: 'sentinel', sentinels: readonly RedisAddress[], name: string, password: string | undefined }>
  | Readonly<{ kind: 'cluster', nodes: readonly RedisAddress[] }>

export type RedisSettings = Readonly<{
  servers: RedisServers
  username: string | undefined
  password: string | undefined
  tls: Readonly<{ ca: string | undefined }> | undefined
  /** Milliseconds a command may take (REDIS_TIMEOUT). */
  timeoutMs: number
}>

export const nameOf = ({ host, port }: RedisAddress): string => host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** For a person; holds no secret. */
export function describeServers (servers: RedisServers): string {
  switch (servers.kind) {
    case 'one': return nameOf(servers)
    case 'sentinel': return `${servers.name} of the Sentinels ${servers.sentinels.map(nameOf).join(', ')}`
    case 'cluster': return `the Cluster ${servers.nodes.map(nameOf).join(', ')}`
  }
}
