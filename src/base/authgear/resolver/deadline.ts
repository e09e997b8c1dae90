import { EventEmitter } from 'node:events'

/**
 * Ends the time that one resolution has: emits `abort`, once. undici takes it like an AbortSignal, which would cost 700
 * bytes a resolution that live until V8's next full collection (docs/inside/performance.md).
 */
export class Deadline extends EventEmitter<{ abort: [] }> {
  aborted = false
  /** Why the listeners give up. */
  reason: Error | undefined
  readonly #timer: NodeJS.Timeout
  #turn: NodeJS.Immediate | undefined

  /** @param ms milliseconds from now */
  constructor (ms: number) {
    super()
    // a process that stood still runs its timers before it reads its sockets: an answer in there came in time
    this.#timer = setTimeout(() => { this.#turn = setImmediate(() => this.end()) }, ms)
  }

  /** The resolution ended in time. */
  met (): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
  }

  end (): void {
    this.met()
    this.aborted = true
    this.reason = new DOMException('the deadline has passed', 'TimeoutError')
    this.emit('abort')
  }
}
