import type { Cluster, Redis } from 'ioredis'
import { RedisTooSlow } from '../errors.ts'

/**
 * Rejects where the answer is not there in time. ioredis' own `commandTimeout` begins when a node is sent the command:
 * neither the wait for slots, for another pipeline or for a redirection counts, and it also ends handshakes and
 * questions about slots.
 */
export function within<T> (limitMs: number, answer: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // a process that was busy finds its timer due and the answer in its socket: the answer is read before the check
    const timer = setTimeout(() => setImmediate(() => reject(new RedisTooSlow(limitMs))), limitMs)
    answer.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

export type RedisCommands = ReturnType<typeof commandsOf>

/**
 * Commands of one turn of the loop go out in one write. Not ioredis' automatic pipelines: each waits for the answers to
 * the one before it, so that a command takes up to two round trips.
 */
function createGathering (redis: Redis): () => void {
  let gathered: Redis['stream'] | undefined
  return () => {
    const { stream } = redis
    if (gathered !== undefined || redis.status !== 'ready') return
    gathered = stream
    stream.cork()
    setImmediate(() => {
      gathered = undefined
      stream.uncork()
    })
  }
}

const FENCED_SET =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3]) end return 0"
const FENCED_REPLACE =
  "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end " +
    "redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3]) return redis.call('del', KEYS[1])"
const FENCED_DELETE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[2], KEYS[1]) end return 0"
const COMPARE_AND_SET =
  "if (redis.call('get', KEYS[1]) or '') == ARGV[1] then return redis.call('set', KEYS[1], ARGV[2]) end return 0"
/** A value of another type is garbage; DEL comes first, so that the script works out of memory. */
const NEWER_SET =
  "local value = redis.pcall('get', KEYS[1]) " +
    "if string.sub(type(value) == 'string' and value or '', 1, #ARGV[1]) >= ARGV[1] then return 0 end " +
    "if ARGV[4] == 'over' and type(value) ~= 'string' then return 0 end " +
    "if ARGV[4] == 'small' then redis.call('del', KEYS[1]) end " +
    "return redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3])"
const COMPARE_AND_DELETE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

const TIME = "local now = redis.call('time') return now[1] * 1000 + math.floor(now[2] / 1000)"

/** A value of another type is nothing that we wrote. @throws whatever else it is */
export function asGarbage (error: unknown): Buffer {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return Buffer.alloc(0)
  throw error
}

/**
 * The commands that the Redis tier needs of a server: a command's keys are in one slot, so that Cluster stands in
 * nobody's way.
 * @param limitMs milliseconds after which a command counts as not answered, whatever it waits for
 */
export function commandsOf (redis: Redis | Cluster, limitMs: number) {
  const gather = redis.isCluster ? () => {} : createGathering(redis as Redis)
  const limited = <T>(command: () => Promise<T>): Promise<T> => {
    gather()
    return within(limitMs, command())
  }
  const isOk = async (command: () => Promise<unknown>): Promise<boolean> => (await limited(command)) === 'OK'
  return Object.freeze({
    pttl: (key: string): Promise<number> => limited(() => redis.pttl(key)),
    getBuffer: (key: string): Promise<Buffer | null> => limited(() => redis.getBuffer(key)),
    /**
     * PTTL before GET, in one round trip: the other order gives an old value the life of one written in between. One
     * time limit for both.
     * @returns an empty value for a list or a hash: garbage, which the next write replaces
     */
    getWithTtl: (key: string): Promise<readonly [pttl: number, value: Buffer | null]> =>
      limited(() => Promise.all([redis.pttl(key), redis.getBuffer(key).catch(asGarbage)])),
    setPx: (key: string, value: Buffer, lifeMs: number): Promise<unknown> =>
      limited(() => redis.set(key, value, 'PX', lifeMs)),
    /** Only while the other key, in the same slot, still holds that value. */
    setPxWhile: (fence: string, token: string, key: string, value: Buffer, lifeMs: number): Promise<unknown> =>
      limited(() => redis.eval(FENCED_SET, 2, fence, key, token, value, lifeMs)),
    /** Sets the second key and deletes the fence, in one script, while the fence still holds that value. */
    setPxAndDeleteFence: (fence: string, token: string, key: string, value: Buffer, lifeMs: number): Promise<unknown> =>
      limited(() => redis.eval(FENCED_REPLACE, 2, fence, key, token, value, lifeMs)),
    /** Deletes the second key and the fence, while the fence still holds that value. */
    deleteWithFence: (fence: string, token: string, key: string): Promise<unknown> =>
      limited(() => redis.eval(FENCED_DELETE, 2, fence, key, token)),
    /** @returns whether this call made the key */
    setIfAbsent: (key: string, value: string, lifeMs: number): Promise<boolean> =>
      isOk(() => redis.set(key, value, 'PX', lifeMs, 'NX')),
    /** Sets a key that does not end, where it holds that value (empty: where there is none). @returns whether it did */
    compareAndSet: (key: string, expected: Buffer, value: Buffer): Promise<boolean> =>
      isOk(() => redis.eval(COMPARE_AND_SET, 1, key, expected, value)),
    /**
     * Sets a value that begins with a version, in text of one length that sorts as it counts; not where the value that
     * is there begins with the same one or a later. @returns whether it did
     */
    setIfNewer: (key: string, version: string, value: Buffer, lifeMs: number): Promise<boolean> =>
      isOk(() => redis.eval(NEWER_SET, 1, key, version, value, lifeMs, '')),
    /** The same for a value that is smaller than what it replaces: also where Redis is out of memory. */
    setSmallIfNewer: (key: string, version: string, value: Buffer, lifeMs: number): Promise<boolean> =>
      isOk(() => redis.eval(NEWER_SET, 1, key, version, value, lifeMs, 'small')),
    /** The same where an older one is there, and not where there is none. */
    setOverOlder: (key: string, version: string, value: Buffer, lifeMs: number): Promise<boolean> =>
      isOk(() => redis.eval(NEWER_SET, 1, key, version, value, lifeMs, 'over')),
    /** Compare and delete. */
    deleteIfEquals: (key: string, value: string): Promise<unknown> =>
      limited(() => redis.eval(COMPARE_AND_DELETE, 1, key, value)),
    /** Milliseconds since 1970 by the clock of the server that has the key. */
    timeOf: async (key: string): Promise<number> => Number(await limited(() => redis.eval(TIME, 1, key))),
    /** Runs a script on one key. */
    evaluate: (script: string, key: string, ...args: ReadonlyArray<string | number>): Promise<unknown> =>
      limited(() => redis.eval(script, 1, key, ...args))
  })
}
