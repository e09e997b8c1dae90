import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { parseEnv } from 'node:util'
import { codeOf } from '../base/authgear/resolver/answer.ts'
import { systemClock } from '../base/clock.ts'
import { countOf, examine, FOR_INIT, textOf } from './doctor.ts'
import { clock, resolver } from './doctor/checks/authgear.ts'
import { signUp } from './doctor/checks/sign-up.ts'
import { NO_OPTIONS } from './doctor/options.ts'
import { initOptions, type InitOptions, USAGE } from './init/options.ts'
import { filesOf, nextSteps, redirectUris, secondHost } from './init/plan.ts'
import { ANSWER_NAMES, type AnswerName, type Answers, answersIn, IN_PORTAL, QUESTIONS } from './init/questions.ts'
import type { Choice } from './init/who.ts'
import { type Out, refuse } from './command-line.ts'
import type { Files } from './snippet/settings.ts'
import { ENV_FILE, textAt, writeFiles } from './write-files.ts'

export type InitIo = Readonly<{
  stdin: Readable & Readonly<{ isTTY?: boolean }>
  out: Out
  err: Out
  /** The path of this program, for what to do next. */
  program: string
}>

const NO_TERMINAL = 'init asks questions, and there is no terminal: answer by options, and add --yes'

type Problem = Readonly<{ problem: string }>

/** @returns the line without its end; undefined where nobody answers any more */
type Ask = (question: string) => Promise<string | undefined>

/** `init`: asks what `snippet` and the environment need to know, and writes both. Returns the exit code. */
export async function init (args: readonly string[], env: NodeJS.ProcessEnv, io: InitIo): Promise<0 | 1> {
  const { out, err, stdin } = io
  const options = initOptions(args)
  if (options === 'help') {
    out.write(USAGE)
    return 0
  }
  if (typeof options === 'string') return refuseArguments(options, err)
  if (options.isYes) return await setUp(options, env, io, undefined)
  if (stdin.isTTY !== true) return refuseArguments(NO_TERMINAL, err)
  const lines = createInterface({ input: stdin })
  const reader = lines[Symbol.asyncIterator]()
  try {
    return await setUp(options, env, io, async (question) => {
      out.write(question)
      const { done, value } = await reader.next()
      return done === true ? undefined : value.trim()
    })
  } finally {
    lines.close()
  }
}

function refuseArguments (problem: string, err: Out): 1 {
  refuse([problem], err)
  err.write('init --help lists the options\n')
  return 1
}

/** @param ask undefined: nobody is asked */
async function setUp (options: InitOptions, env: NodeJS.ProcessEnv, io: InitIo, ask: Ask | undefined): Promise<0 | 1> {
  const { out, err, program } = io
  const { folder, isForced } = options
  const there = envIn(folder)
  if (typeof there !== 'string') return refuse([there.problem], err)
  const gathered = await gather(options, { ...env, ...parseEnv(there) }, parseEnv(there), io, ask)
  if (gathered === undefined) return 1
  const { answers, isRegistered } = gathered
  const files = filesOf(answers, there, randomBytes(32).toString('base64'))
  const second = secondHost(answers, there, files, (name) => existsSync(join(folder, name)))
  if (second !== undefined && !isForced) return refuse([`${second}. --force replaces the files`], err)
  const isSure = await isWell(files, out) || isForced || await agrees(ask, 'Write the files anyway?')
  if (!isSure) return refuse(['nothing was written; --force writes anyway'], err)
  if (!await write(resolve(folder), isForced, files, io, ask)) return 1
  const steps = nextSteps(answers, { program, folder, isRegistered })
  out.write(`\nNext:\n${steps.map((step, i) => `${i + 1}. ${step}\n`).join('')}`)
  return 0
}

/** @returns the text of the `.env` that is there; empty where there is none */
function envIn (folder: string): string | Problem {
  const path = join(folder, ENV_FILE)
  try {
    return textAt(path) ?? ''
  } catch (error) {
    return { problem: `${path} cannot be read (${codeOf(error) || 'unknown error'}): check path and permissions` }
  }
}

/** @returns also whether the person was shown, before, what to register at Authgear */
type Gathered = Readonly<{ answers: Answers, isRegistered: boolean }>

async function gather (
  { given }: InitOptions, env: NodeJS.ProcessEnv, there: NodeJS.ProcessEnv, { out, err }: InitIo, ask: Ask | undefined
): Promise<Gathered | undefined> {
  const known = knownOf(given, there, out)
  let isRegistered = false
  for (const name of ANSWER_NAMES) {
    if (known[name] !== undefined) continue
    const before = known as Partial<Answers>
    const usual = QUESTIONS[name].fallback(before, env)
    const isAsked = ask !== undefined && !(name === 'allow' && known.client === '') // nobody can sign in yet
    if (isAsked && IN_PORTAL.includes(name) && !isRegistered) {
      out.write(inPortal(known as Answers)) // host and app come before
      isRegistered = true
    }
    const answer = !isAsked
      ? checked(name, usual ?? '', before)
      : await answerTo(name, usual, before, { out, ask })
    if (typeof answer !== 'string') {
      refuse([answer.problem], err)
      return undefined
    }
    known[name] = answer
  }
  return { answers: known as Answers, isRegistered } // each was checked by its question
}

type Known = Partial<Record<AnswerName, string>>

/** What options and the `.env` that is there have answered already. */
function knownOf (given: InitOptions['given'], there: NodeJS.ProcessEnv, out: Out): Known {
  const kept = answersIn(there).filter(({ name }) => given[name] === undefined)
  if (kept.length > 0) {
    const shown = kept.map(({ variable, text }) => text === '' ? variable : `${variable}=${text}`).join(', ')
    out.write(`${ENV_FILE} has ${shown}: an option changes it\n`)
  }
  return { ...Object.fromEntries(kept.map(({ name, text }) => [name, text])), ...given }
}

const inPortal = (known: Answers): string => `
In Authgear's portal, make a client (docs/portal.md, "Set up own sessions"), and register in it
${redirectUris(known)}
The portal also shows the endpoint and the client's id:
`

function checked (name: AnswerName, text: string, known: Partial<Answers>): string | Problem {
  const problem = QUESTIONS[name].problemOf(text, known)
  return problem === undefined ? text : { problem: `--${name}: ${problem}` }
}

type Asking = Readonly<{ out: Out, ask: Ask }>

async function answerTo (
  name: AnswerName, usual: string | undefined, known: Partial<Answers>, asking: Asking
): Promise<string | Problem> {
  const { text, problemOf, choices } = QUESTIONS[name]
  return choices === undefined
    ? await askUntil(text, usual, (answer) => problemOf(answer, known), asking)
    : await choose(text, choices, (answer) => problemOf(answer, known), asking)
}

/** Asks until the answer is one. */
async function askUntil (
  text: string, usual: string | undefined, problemOf: (answer: string) => string | undefined, { out, ask }: Asking
): Promise<string | Problem> {
  const prompt = `${text}${usual === undefined || usual === '' ? '' : ` [${usual}]`}: `
  for (;;) {
    const line = await ask(prompt)
    if (line === undefined) return { problem: 'the input ended before the last question was answered' }
    const answer = line === '' ? usual ?? '' : line
    const problem = problemOf(answer)
    if (problem === undefined) return answer
    out.write(`  ${problem}\n`)
  }
}

/** Asks for one of the choices, and then for what it needs. */
async function choose (
  text: string, choices: readonly Choice[], problemOf: (answer: string) => string | undefined, asking: Asking
): Promise<string | Problem> {
  const choiceOf = (number: string): Choice | undefined => choices[Number(number) - 1]
  const list = choices.map(({ title }, i) => `  ${i + 1}. ${title}\n`).join('')
  const wrong = `write a number from 1 to ${choices.length}`
  const isWrong = (one: string): string | undefined => choiceOf(one) === undefined ? wrong : undefined
  const number = await askUntil(`${text}\n${list}Number`, '1', isWrong, asking)
  const choice = typeof number === 'string' ? choiceOf(number) : undefined
  if (choice?.question === undefined) return choice?.write('') ?? number
  const { question, problem, write } = choice
  const isBad = (one: string): string | undefined => problemOf(write(one)) === undefined ? undefined : problem
  const line = await askUntil(question, undefined, isBad, asking)
  return typeof line === 'string' ? write(line) : line
}

/** Is what will be written right, does Authgear answer, and does it know the client? As `doctor` says it. */
async function isWell (files: Files, out: Out): Promise<boolean> {
  out.write('\nLooking at Authgear:\n')
  const env = parseEnv(files[ENV_FILE] ?? '') as NodeJS.ProcessEnv
  const tell = (result: Parameters<typeof textOf>[0]): void => { out.write(textOf(result)) }
  const given = { options: NO_OPTIONS, pasted: '', clock: systemClock }
  const report = await examine(env, given, tell, [resolver, clock, ...FOR_INIT, signUp])
  return countOf(report).errors === 0
}

async function agrees (ask: Ask | undefined, question: string): Promise<boolean> {
  return ask !== undefined && /^y(?:es)?$/i.test(await ask(`${question} [y/N]: `) ?? '')
}

async function write (
  folder: string, isForced: boolean, files: Files, { out, err }: InitIo, ask: Ask | undefined
): Promise<boolean> {
  const outcome = writeFiles({ folder, isForced }, files, out, err)
  if (outcome !== 'refused') return outcome === 'written'
  if (ask === undefined) {
    err.write('--force overwrites\n')
    return false
  }
  err.write('\n')
  return await agrees(ask, 'Overwrite?') && writeFiles({ folder, isForced: true }, files, out, err) === 'written'
}
