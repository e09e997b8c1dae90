import t, { type Test } from 'tap'
import { DIFFERENCES } from './differences.ts'
import { openLab } from './lab.ts'
import { openSimulated } from './simulated.ts'
import type { AuthgearServer } from './types.ts'
import { saysOf } from './words.ts'
import type { Answer } from '../helpers/request.ts'

export interface Suite {
  readonly server: AuthgearServer
  /** One case: what the server said is what the contract says, or a listed difference of the simulator's. */
  says (t: Test, name: string, said: string, expected: string): void
  /** The same for an answer, in one line of words. */
  answers (t: Test, name: string, answer: Answer, expected: string): void
  /** Last: each difference that is listed for the area was met. */
  end (): void
}

/** The server that AUTHGEAR_LAB describes, or the simulator; for the cases of one area. */
export async function openSuite (area: string): Promise<Suite> {
  const file = process.env['AUTHGEAR_LAB'] ?? ''
  const server = file === '' ? await openSimulated(t) : await openLab(t, file)
  const listed = DIFFERENCES.filter((one) => one.area === area)
  const met = new Set<string>()

  const says: Suite['says'] = (t, name, said, expected) => {
    if (met.has(name)) throw new Error(`two cases are called ${name}`)
    met.add(name)
    const difference = listed.find((one) => one.name === name)
    if (difference === undefined || !server.isSimulated) t.equal(said, expected, name)
    else {
      t.equal(said, difference.simulated, `${name}, which differs: ${difference.why}`)
      t.not(difference.simulated, expected, `${name} differs no more: take it off the list`)
    }
  }
  return {
    server,
    says,
    answers: (t, name, answer, expected) => says(t, name, saysOf(answer, server.origin), expected),
    end () {
      t.test('each listed difference is one of a case', async (t) => {
        t.strictSame(listed.map(({ name }) => name).filter((name) => !met.has(name)), [])
      })
    }
  }
}
