type Close = () => Promise<void> | void

export type Closers = ReturnType<typeof createClosers>

/** What is open. It is closed from the newest to the oldest, at the end and by a start that fails. */
export function createClosers () {
  const open: Close[] = []
  return Object.freeze({
    add: (close: Close): void => { open.push(close) },
    /** Idempotent. One that fails keeps no other from closing. @throws the first error, once all are closed */
    async close (): Promise<void> {
      const errors: unknown[] = []
      for (let close = open.pop(); close !== undefined; close = open.pop()) {
        try {
          await close()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    }
  })
}
