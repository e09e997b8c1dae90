import type { Answer } from '../helpers/request.ts'
import type { BehindProxy } from './behind-proxy.ts'
import { loadClients } from './load-clients.ts'
import { ALICE, BOB } from './people.ts'

export const CLIENTS = 8
/** Requests for which the clients keep their connections. */
const ROUND = 40

/** Everything that was answered from before the work began until after it ended. */
export async function amid ({ port }: BehindProxy, work: () => Promise<void>): Promise<Answer[]> {
  const answers: Answer[] = []
  const progress = { isOver: false }
  const round = async (): Promise<void> => {
    answers.push(
      ...(await loadClients(port, CLIENTS, ROUND, (i) => ({
        headers: [['Cookie', i % 2 === 0 ? ALICE.cookie : BOB.cookie]]
      })))
    )
  }
  await round()
  const working = work().finally(() => { progress.isOver = true })
  while (!progress.isOver) await round()
  await round()
  await working
  return answers
}
