import { Agent } from 'node:http'
import { ask, type Answer, type Asked } from '../helpers/request.ts'

/** So many clients, each with one connection of its own kept open, ask so many times in all. */
export async function loadClients (
  port: number,
  clients: number,
  requests: number,
  asked: (i: number) => Asked
): Promise<Answer[]> {
  let next = 0
  const answers: Answer[] = []
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (next < requests) answers.push(await ask(port, { ...asked(next++), agent }))
    agent.destroy()
  }
  await Promise.all(Array.from({ length: clients }, client))
  return answers
}
