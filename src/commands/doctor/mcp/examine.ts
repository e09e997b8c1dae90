import { readFileSync } from 'node:fs'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Outcome, type Report, type Result, skipped } from '../check.ts'
import type { DoctorOptions } from '../options.ts'
import { createAsk } from './ask.ts'
import { browser } from './browser.ts'
import { resourceMetadata } from './resource.ts'
import { serverMetadata } from './server.ts'
import { signIn } from './sign-in.ts'
import type { Given, Learnt, Seen, Step } from './step.ts'
import { challenge, forgedToken, stranger } from './stranger.ts'
import { disguisedCalls, ownToken } from './token.ts'

/** In the order in which a client takes them. */
const STEPS: readonly Step[] =
  [stranger, challenge, resourceMetadata, serverMetadata, signIn, browser, forgedToken, ownToken, disguisedCalls]

type Surroundings = Readonly<{ pasted: string, env: NodeJS.ProcessEnv }>

/** Reads nothing else of the environment than AUTHGEAR_CA_FILE: it may run on any machine. */
export function givenBy ({ mcp, paste }: DoctorOptions, { pasted, env }: Surroundings): Given {
  if (mcp === undefined) throw new Error('no URL')
  const { AUTHGEAR_CA_FILE: file } = env
  const token = pasted.trim().replace(/^(?:authorization:\s*)?(?:bearer\s+)?/i, '')
  return {
    ...mcp,
    token: paste === 'token' ? token : undefined,
    ask: createAsk(file === undefined ? undefined : readFileSync(file, 'utf8'))
  }
}

/** Does what an MCP client does, from outside, up to Authgear's login page. */
export async function examineMcp (given: Given, tell: (result: Result) => void): Promise<Report> {
  const results: Result[] = []
  let learnt: Learnt = {}
  for (const step of STEPS) {
    const seen = await run(step, given, learnt)
    learnt = { ...learnt, ...seen.learnt }
    const result = { title: step.title, outcome: outcomeOf(seen) }
    results.push(result)
    tell(result)
  }
  return { endpoint: learnt.resource?.issuer, results }
}

async function run ({ title, needs, run }: Step, given: Given, learnt: Learnt): Promise<Seen & { failed?: Finding }> {
  if (needs !== undefined && learnt[needs] === undefined) return { skipped: 'see above' }
  try {
    return await run(given, learnt)
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown'
    return { failed: found('unforeseen', `${title}: ${name}`) }
  }
}

function outcomeOf ({ findings = [], notes = [], skipped: why, failed }: Seen & { failed?: Finding }): Outcome {
  if (why !== undefined) return skipped(why)
  return { ...looked(failed, ...findings.map(([id, what]) => found(id, what))), ...notes.length === 0 ? {} : { notes } }
}
