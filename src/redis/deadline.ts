import { RedisTooSlow } from '../errors.ts'

/**
 * Rejects where the answer is not there in time. ioredis' own `commandTimeout` begins when a node is sent the command: neither
 * the wait for slots, for another pipeline or for a redirection counts, and it also ends handshakes and questions about slots.
 */
export function within<T> (limitMs: number, answer: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new RedisTooSlow(limitMs)), limitMs)
    answer.then((value) => { clearTimeout(timer); resolve(value) }, (error: unknown) => { clearTimeout(timer); reject(error) })
  })
}
