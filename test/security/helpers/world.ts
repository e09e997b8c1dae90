import type { Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../../helpers/in-process.ts'
import { ask, type Answer, type HeaderLine } from '../../helpers/request.ts'
import { demo, startSimulator, type RunningSimulator } from '../../helpers/simulator.ts'

export interface World {
  readonly authgear: RunningSimulator
  readonly adapter: InProcess
  /** GET /verify and what follows it. */
  readonly verify: (headers?: readonly HeaderLine[], query?: string, method?: string) => Promise<Answer>
}

/** A simulated Authgear and one replica. */
export async function startWorld (t: Test, options: Partial<InProcessOptions> = {}): Promise<World> {
  const authgear = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, ...options })
  return {
    authgear,
    adapter,
    verify: (headers = [], query = '', method = 'GET') =>
      ask(adapter.port, { method, path: `/verify${query}`, headers })
  }
}

export const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
export const ALICE = bearer(demo.alice.accessToken)
/** Has no roles. */
export const BOB = bearer(demo.bob.accessToken)

export const identityOf = ({ headers }: Pick<Answer, 'headers'>): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('x-authgear-'))
