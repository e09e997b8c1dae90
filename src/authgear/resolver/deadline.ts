import { EventEmitter } from 'node:events'

/**
 * Ends the time that one resolution has: emits `abort`, once. undici takes it like an AbortSignal, which would cost 700
 * bytes a resolution that live until V8's next full collection (docs/performance.md).
 */
export class Deadline extends EventEmitter<{ abort: [] }> {
  aborted = false
  /** Why the listeners give up. */
  reason: Error | undefined
  readonly #timer: NodeJS.Timeout

  /** @param ms milliseconds from now */
  constructor (ms: number) {
    super()
    this.#timer = setTimeout(() => this.end(), ms)
  }

  /** The resolution ended in time. */
  met (): void { clearTimeout(this.#timer) }

  end (): void {
    this.met()
    this.aborted = true
    this.reason = new DOMException('the deadline is over', 'TimeoutError')
    this.emit('abort')
  }
}
