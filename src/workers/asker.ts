import type { Questions, ToWorker } from './messages.ts'

export type Asker = Readonly<{
  /** @throws {Error} where there is no answer in time, the worker has none, or it has ended */
  ask: <About extends keyof Questions>(
    about: About,
    question: Questions[About]['question']
  ) => Promise<Questions[About]['answer']>
  /** Takes the worker's answer to the question of that number; one that comes too late is dropped. */
  answered: (id: number, answer: unknown) => void
  /** The worker could not answer the question of that number. */
  failed: (id: number) => void
  /** The worker has ended: nothing that it was asked is answered any more. */
  lost: () => void
}>

type Waiting = Readonly<{ resolve: (answer: unknown) => void, reject: (error: Error) => void }>

/** Questions to one worker, each answered once; bounded by their deadline. */
export function createAsker (send: (message: ToWorker) => void, deadlineMs: number): Asker {
  const waiting = new Map<number, Waiting>()
  let last = 0
  const ask: Asker['ask'] = async (about, question) => {
    const id = ++last
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`a worker did not answer within ${deadlineMs} ms`)), deadlineMs)
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
        send({ kind: 'ask', id, about, question })
      })
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }
  return Object.freeze({
    ask,
    answered: (id: number, answer: unknown) => waiting.get(id)?.resolve(answer),
    failed: (id: number) => waiting.get(id)?.reject(new Error('a worker could not answer')),
    lost: () => { for (const { reject } of waiting.values()) reject(new Error('a worker ended before it answered')) }
  })
}
