import { quote } from '../../base/config/kind.ts'
import { didYouMean } from '../../base/config/unknown.ts'
import { rows } from '../../app/config.ts'
import { readOptions } from '../snippet/options.ts'
import { limitsOf } from '../snippet/proxies.ts'
import { CLIENT_ID, originsIn } from './login.ts'
import { listenArgs } from './place.ts'
import { type Choice, CHOICES } from './who.ts'

/** Those that `init` can set up whole; `snippet` knows more. */
export const INIT_PROXIES = ['caddy', 'traefik', 'traefik-labels', 'nginx'] as const
type InitProxy = (typeof INIT_PROXIES)[number]

/** Each is a text that was checked. */
export type Answers = Readonly<{
  proxy: InitProxy
  /** The name that people open. */
  host: string
  /** `http://host:port` */
  app: string
  endpoint: string
  /** Empty: no login. */
  client: string
  /** ALLOW; empty without a login. */
  allow: string
}>

export type AnswerName = keyof Answers

export type Question = Readonly<{
  /** The text before the default. */
  text: string
  /** Undefined: there is none, and something has to be said. @param env with those of the `.env` there */
  fallback: (known: Partial<Answers>, env: NodeJS.ProcessEnv) => string | undefined
  /** The problem, and the remedy. @param known what was answered before */
  problemOf: (text: string, known: Partial<Answers>) => string | undefined
  /** Asked for by number; an empty line is the first. */
  choices?: readonly Choice[]
}>

/** In the order in which they are asked. */
export const QUESTIONS: Readonly<Record<AnswerName, Question>> = {
  proxy: {
    text: `Which proxy? ${INIT_PROXIES.join(', ')}`,
    fallback: () => 'caddy',
    problemOf: (text) => INIT_PROXIES.some((name) => name === text)
      ? undefined
      : `${quote(text)} is not one of these${didYouMean(text, INIT_PROXIES) || ': `snippet` writes files for others'}`
  },
  host: {
    text: 'Which host name do people open? For example app.example.com, or localhost to try it on this machine',
    fallback: (_, env) => URL.parse(originsIn(env)[0] ?? '')?.hostname ?? 'localhost',
    problemOf: (text) => problemOfOption('--host', ['caddy', `--host=${text}`])
  },
  app: {
    text: 'Where is the app? Its URL as the proxy reaches it',
    fallback: ({ proxy }) => proxy === 'traefik-labels' ? 'http://app:8080' : 'http://127.0.0.1:3000',
    problemOf: (text, { proxy = 'caddy', host = 'localhost' }) =>
      problemOfOption('--app', [proxy, `--host=${host}`, `--app=${text}`, ...listenArgs({ host, app: text })])
  },
  endpoint: {
    text: "Authgear's endpoint? Such as https://myapp.authgear.cloud",
    fallback: (_, env) => env['AUTHGEAR_ENDPOINT'],
    problemOf: (text) => problemOfValue('AUTHGEAR_ENDPOINT', text)
  },
  client: {
    text: "The client's id in Authgear's portal? Leave empty to add sign-in later",
    fallback: (_, env) => env[CLIENT_ID] ?? '',
    problemOf: (text) => text === '' ? undefined : problemOfValue(CLIENT_ID, text)
  },
  allow: {
    text: 'Who may use it?',
    fallback: ({ client }, env) => client === '' ? '' : env['ALLOW'],
    problemOf: (text, { client }) => text === '' && client === '' ? undefined : problemOfValue('ALLOW', text),
    choices: CHOICES
  }
}

export const ANSWER_NAMES = Object.keys(QUESTIONS) as readonly AnswerName[]

/** The answers that only the portal knows. */
export const IN_PORTAL: readonly AnswerName[] = ['endpoint', 'client']

const VARIABLES = { endpoint: 'AUTHGEAR_ENDPOINT', client: CLIENT_ID, allow: 'ALLOW' } as const

/** An answer that a variable gives. */
type Kept = Readonly<{ name: AnswerName, variable: string, text: string }>

/** The answers that the `.env` has: they are not asked for again. */
export function answersIn (env: NodeJS.ProcessEnv): readonly Kept[] {
  const kept = (name: keyof typeof VARIABLES): readonly Kept[] => {
    const variable = VARIABLES[name]
    const text = env[variable] ?? ''
    return text === '' || problemOfValue(variable, text) !== undefined ? [] : [{ name, variable, text }]
  }
  const allow = env['ALLOW_FILE'] ? [{ name: 'allow', variable: 'ALLOW_FILE', text: '' }] as const : kept('allow')
  return [...kept('endpoint'), ...kept('client'), ...allow]
}

/** @param args of `snippet` */
function problemOfOption (option: string, args: readonly string[]): string | undefined {
  const reading = readOptions(args)
  if (reading.kind === 'help') return undefined
  const errors =
    reading.kind === 'errors' ? reading.errors : limitsOf(reading.options.proxy, reading.options.settings)
  return errors.find((error) => error.startsWith(option))?.replace(new RegExp(`^${option}:? `), '')
}

const NO_DEFAULT = {
  AUTHGEAR_ENDPOINT:
    "is required: your project's address, shown beside its name in Authgear's portal (docs/portal.md)",
  [CLIENT_ID]: 'is needed',
  ALLOW: 'is needed: who may use it, such as email=you@example.com, email_domain=example.com, role=staff, or anyone'
} as const

function problemOfValue (name: keyof typeof NO_DEFAULT, text: string): string | undefined {
  if (text === '') return NO_DEFAULT[name]
  // a variable of a part, which may not be there
  const read = rows.find((row) => row.name === name)?.variable.kind.parse(text, () => '')
  return read?.kind === 'problem' ? read.problem : undefined
}
