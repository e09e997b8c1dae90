import type { Test } from 'tap'
import type { Answer } from '../helpers/request.ts'
import type { BehindProxy } from './behind-proxy.ts'
import { loadClients } from './load-clients.ts'
import { ALICE, BOB } from './people.ts'

const CLIENTS = 8
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

/** A crash amid traffic: of each client's requests so many may fail, as in an outage, and nobody is logged out. */
export async function crashAmid (t: Test, stack: BehindProxy, mostOfEach: number, crash: () => Promise<void>) {
  const reached = stack.app.received.length
  const answers = await amid(stack, crash)
  const failed = answers.filter(({ status }) => status !== 200)
  t.ok(failed.length <= mostOfEach * CLIENTS, `${failed.length} of ${answers.length} failed`)
  t.ok(failed.every(({ status }) => status >= 500), 'as an outage, not as a log-out')
  t.equal(stack.app.received.length - reached, answers.length - failed.length, 'and did not reach the app')
}
