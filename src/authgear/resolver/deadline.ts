import { EventEmitter } from 'node:events'

/**
 * The end of the time that one resolution has: emits `abort`, once. undici takes it as it takes an AbortSignal, whose
 * making leaves V8 700 bytes a resolution that live until the next full collection (docs/performance.md).
 */
export class Deadline extends EventEmitter<{ abort: [] }> {
  aborted = false
  /** Why whoever listens gives up. */
  reason: Error | undefined
  readonly #timer: NodeJS.Timeout

  /** @param ms milliseconds from now */
  constructor (ms: number) {
    super()
    this.#timer = setTimeout(() => this.end(), ms)
  }

  /** What had this time has ended within it. */
  met (): void { clearTimeout(this.#timer) }

  end (): void {
    this.met()
    this.aborted = true
    this.reason = new DOMException('the deadline is over', 'TimeoutError')
    this.emit('abort')
  }
}
