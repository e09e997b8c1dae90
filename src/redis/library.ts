import { createRequire } from 'node:module'

type Library = typeof import('ioredis')

/** ioredis costs 11 MB and 70 ms, which a service without Redis does not pay: it is read when the first connection is made. */
export function redisLibrary (): Library {
  return createRequire(import.meta.url)('ioredis') as Library
}
