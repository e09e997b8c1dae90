import type { Test } from 'tap'

/** What the test helpers need of a test, for a program that starts and ends many worlds. */
export type Scope = Readonly<{ t: Test, close: () => Promise<void> }>

export function createScope (comment: (text: string) => void): Scope {
  const closing: (() => unknown)[] = []
  const t = { teardown: (close: () => unknown) => { closing.push(close) }, passing: () => true, comment }
  return {
    t: t as unknown as Test,
    async close () {
      for (let next = closing.pop(); next !== undefined; next = closing.pop()) await next()
    }
  }
}
