import { readFileSync } from 'node:fs'
import { certificatesContent } from '../../../base/config/parsers/files.ts'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Outcome, type Report, type Result, SEE_ABOVE, skipped } from '../check.ts'
import type { DoctorOptions } from '../options.ts'
import { createAsk } from './ask.ts'
import { browser } from './browser.ts'
import { outsideOf } from './inside.ts'
import type { McpOptions } from './options.ts'
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

/**
 * Reads nothing else of the environment than AUTHGEAR_CA_FILE: it may run on any machine.
 * @returns what is wrong as a sentence
 */
export function givenBy (
  mcp: McpOptions, { paste }: Pick<DoctorOptions, 'paste'>, { pasted, env }: Surroundings
): Given | string {
  const path = env['AUTHGEAR_CA_FILE']?.trim()
  // empty counts as unset, as it does for the service
  const read = path ? certificatesContent.parse(path, (file) => readFileSync(file, 'utf8')) : undefined
  if (read?.kind === 'problem') return `AUTHGEAR_CA_FILE: ${read.problem}`
  const token = pasted.trim().replace(/^(?:authorization:\s*)?(?:bearer\s+)?/i, '')
  const ask = createAsk(read?.value, undefined, outsideOf(namedIn(mcp)))
  return { ...mcp, token: paste === 'token' ? token : undefined, ask }
}

/** The addresses that the operator chose; every other one is a stranger's word. */
const namedIn = ({ url, client }: McpOptions): readonly string[] =>
  [url, client?.id ?? ''].filter((text) => /^https?:/.test(text) && URL.canParse(text))

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
  if (needs !== undefined && learnt[needs] === undefined) return { skipped: SEE_ABOVE }
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
