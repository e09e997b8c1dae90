import { AuthgearGarbage } from '../../errors.ts'
import type { Dispatcher, Pool } from '../undici.ts'
import type { Deadline } from './deadline.ts'

export type Question = Readonly<{ path: string, headers: string[], deadline: Deadline }>

/** @prop lines header names and values, alternately, as they came */
export type Answer = Readonly<{ status: number, lines: readonly string[], isEmpty: boolean }>

/**
 * Reads the body to its end and keeps none of it; the pool's maxResponseSize ends an endless one. `Pool.request` would
 * make a stream of it, and read the headers twice (docs/inside/performance.md, "What was tuned").
 * @throws whatever undici says, and at once where the deadline ends
 */
export function get (pool: Pick<Pool, 'dispatch'>, { path, headers, deadline }: Question): Promise<Answer> {
  if (deadline.reason !== undefined) return Promise.reject(deadline.reason)
  return new Promise((resolve, reject) => {
    pool.dispatch({ method: 'GET', path, headers }, new Reader(deadline, resolve, reject))
  })
}

class Reader implements Dispatcher.DispatchHandler {
  readonly #deadline: Deadline
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #lines: readonly string[] = []
  #isEmpty = true

  constructor (deadline: Deadline, resolve: (answer: Answer) => void, reject: (error: unknown) => void) {
    this.#deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
    deadline.once('abort', this.#abort)
  }

  /** It may still wait for a connection: then the pool is told once it has one. */
  readonly #abort = (): void => {
    this.#reject(this.#deadline.reason)
    if (this.#deadline.reason !== undefined) this.#controller?.abort(this.#deadline.reason)
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#deadline.reason !== undefined) controller.abort(this.#deadline.reason)
  }

  onResponseStart ({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return // RFC 9110, 15.2: the answer itself is still to come
    this.#status = status
    this.#lines = linesOf(rawHeaders)
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#isEmpty &&= chunk.length === 0
  }

  onResponseEnd (): void {
    this.#deadline.off('abort', this.#abort)
    this.#resolve({ status: this.#status, lines: this.#lines, isEmpty: this.#isEmpty })
  }

  onResponseError (_controller: unknown, error: Error): void {
    this.#deadline.off('abort', this.#abort)
    this.#reject(error)
  }
}

/** undici hands over bytes, which its types leave open; Latin-1 is how Node reads a header, too. */
function linesOf (rawHeaders: Dispatcher.DispatchController['rawHeaders']): readonly string[] {
  if (!Array.isArray(rawHeaders)) throw new AuthgearGarbage('its headers are not a list')
  return rawHeaders.map((part: Buffer | string) => typeof part === 'string' ? part : part.toString('latin1'))
}
